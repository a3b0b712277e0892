"""What the verbs share.

verb      what a verb is to click: help in sections, examples
values    what options take: times, socket types, socket options
opening   a socket as the command line asks for it, opened and closed
asking    the options that ask for it
formats   messages as text, and text as messages
sources   the messages to send: words, files, lines
screen    tables and live views, figures in words
"""
