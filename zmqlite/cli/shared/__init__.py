"""What the verbs share.

verb      what a verb is to click: help in sections, examples
values    what options take: times, socket types, socket options
formats   messages as text, and text as messages
screen    tables and live views, figures in words
reading   files and standard input, whatever is in them
abilities what a type of socket can do for a verb
allowing  who may connect to a server
opening   a socket as the command line asks for it, opened, waited for and closed
asking    the options that ask for it
sources   the messages to send: words, files, lines
running   a command of the shell that answers requests
recording the file of `record` and `replay`
"""
