# Takes tasks from taskvent, sends results to tasksink.
require_relative 'common'
tasks = socket(ZMQ::PULL, connect: 'tcp://localhost:5557')
results = socket(ZMQ::PUSH, connect: 'tcp://localhost:5558')
loop do
  task = hear(tasks)
  print "#{task}."
  sleep task.to_i / 1000.0
  check results.send_string('')
end
