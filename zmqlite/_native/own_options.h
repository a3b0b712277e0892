/* The numbers of the options that our own libzmq adds to those of zmq.h; its patches have them, too, and
   tests/test_own_options.py compares. */
#ifndef ZMQLITE_OWN_OPTIONS_H
#define ZMQLITE_OWN_OPTIONS_H

#define ZMQLITE_STREAM_HANG_UP 23121
#define ZMQLITE_PEERS_COUNT 23122
#define ZMQLITE_PEERS_LIST 23123
#define ZMQLITE_PEERS_GONE 23124
#define ZMQLITE_TOPIC_TAKERS 23125
#define ZMQLITE_NUMBERS 23130
#define ZMQLITE_CONTEXT_NUMBERS 23131
#define ZMQLITE_DROP_NEWEST 23132
#define ZMQLITE_UNSENT_REPORT 23140

#endif
