"""What the journeys share: raw clients, a runtime on a graph, and account of the processes they leave."""
