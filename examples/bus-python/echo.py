"""Takes part in the bus: ``python3 echo.py CREDENTIAL``. Answers on python.ask, repeats python.say on python.said."""

import sys

from aico_bus import Bus, BusError

bus = Bus(sys.argv[1])
bus.respond("python.ask", lambda message: {"asked": message.data, "by": message.source})
bus.subscribe("python.say.*", lambda message: bus.publish("python.said", {"heard": message.topic, "said": message.data}))
try:
    bus.publish("not.allowed", 1)
    print("it may publish where it must not", flush=True)
except BusError:
    print(f"ready, with the answer {bus.request('host.ask', {'n': 1})}", flush=True)
running = True


def stop(_message):
    global running
    running = False


bus.subscribe("python.stop", stop)
bus.publish("python.ready", True)
while running:
    bus.poll()
bus.close()
