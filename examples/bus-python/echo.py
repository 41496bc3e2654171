"""A component of the bus: ``python3 echo.py CREDENTIAL``. It answers on python.ask, and repeats python.say on python.said."""

import sys

from aico_bus import Bus, BusError

if len(sys.argv) != 2:
    sys.exit("usage: python3 echo.py CREDENTIAL, a file that `aico bus grant` wrote")
try:
    bus = Bus(sys.argv[1])
except (BusError, OSError, ValueError, KeyError, TypeError) as error:
    sys.exit(f"echo.py cannot take part in the bus with {sys.argv[1]}: {error}")
bus.respond("python.ask", lambda message: {"asked": message.data, "by": message.source})
bus.subscribe("python.say.*", lambda message: bus.publish("python.said", {"heard": message.topic, "said": message.data}))
try:
    bus.publish("not.allowed", 1)
    print("it may publish where it must not", flush=True)
except BusError:
    try:
        print(f"ready, with the answer {bus.request('host.ask', {'n': 1})}", flush=True)
    except BusError as error:
        print(f"ready, and to host.ask {error}", flush=True)
running = True


def stop(_message):
    global running
    running = False


bus.subscribe("python.stop", stop)
bus.log("info", "Ready to repeat", {"topics": "python.say.*"})
bus.publish("python.ready", True)
try:
    while running:
        bus.poll()
except BusError as error:
    sys.exit(f"the bus has ended the session: {error}")
bus.close()
