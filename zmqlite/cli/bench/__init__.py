"""What `zmqlite bench` measures.

server   receives, counts and answers, as it is told through a control socket
worker   the program of the other process
client   tells a server what comes, sends, and takes the times
plot     the figures as an SVG
"""
