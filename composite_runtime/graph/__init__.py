"""The document: the values of a graph, its file, its edits and its checks."""
