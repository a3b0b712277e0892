"""The verbs that need the extra `cli`, by family; `cli.table` says which module has which.

send       send, pub, push
recv       recv, sub, pull
request    request, reply
proxy      proxy
record     record, replay
rate       rate
ping       ping
bench      bench
monitor    monitor
keygen     keygen
doctor     doctor
completion completion
"""
