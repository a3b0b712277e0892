// What a browser speaks, in Node or, bundled, in a page: sockets of the npm package jszmq that do as
// test_browser.py tells them.
// usage: NODE_PATH=... node browser.js SETTINGS, or page.html#SETTINGS: a JSON object with
//   orders    where a PULL of ours gets [socket, part ...]: that socket sends these parts
//   reports   where a PUSH of ours puts [socket, part ...]: what that socket has received
//   sockets   {name: {type, endpoint, identity, topics (hexadecimal)}}

"use strict"

const zmq = require("jszmq")

const page = typeof location !== "undefined"
const settings = JSON.parse(page ? decodeURIComponent(location.hash.slice(1)) : process.argv[2])

// where a server is not there, or refuses, jszmq tries again; in Node it does not expect to be told
if (!page) process.on("uncaughtException", (error) => console.error(error))

const orders = new zmq.Pull()
const reports = new zmq.Push()
const sockets = {}

for (const [name, { type, endpoint, identity, topics }] of Object.entries(settings.sockets)) {
  const socket = (sockets[name] = zmq.socket(type))
  if (identity) socket.options.routingId = identity
  socket.on("message", (...parts) => reports.send([name, ...parts]))
  socket.connect(endpoint)
  for (const topic of topics || []) socket.subscribe(zmq.Buffer.from(topic, "hex"))
}

orders.on("message", (name, ...parts) => sockets[name.toString()].send(parts))
orders.connect(settings.orders)
reports.connect(settings.reports)
reports.send(["ready", page ? navigator.userAgent : `Node ${process.versions.node}`])
