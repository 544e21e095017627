"""One child server: started, reached, kept, remembered."""
