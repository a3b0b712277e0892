# A peer of peering1: prints what the other one has, and answers that it has seven workers.
require_relative 'common'
own = socket(ZMQ::PUB, bind: 'ipc://RUBY-state.ipc')
theirs = socket(ZMQ::SUB, connect: 'ipc://PYTHON-state.ipc') { |s| s.setsockopt(ZMQ::SUBSCRIBE, 'PYTHON') }
loop do
  puts hear_all(theirs).join(' has ')
  check own.send_strings(%w[RUBY 7])
end
