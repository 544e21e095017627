"""Saved calls: kept as readable files beside the graph, made again, and held to what is expected of them."""
