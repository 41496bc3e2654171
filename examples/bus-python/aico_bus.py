"""A client of AICO's message bus, written from docs/bus-protocol.md alone.

Needs pyzmq (with CURVE) and cryptography: on Debian, ``apt-get install python3-zmq python3-cryptography``.
Blocking and single-threaded: whoever waits for messages calls ``poll()``.
"""

import collections
import hashlib
import hmac
import json
import os
import struct
import sys
import time

import zmq
from zmq.utils import z85
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

HELLO, CHALLENGE, PROOF, WELCOME = 0x01, 0x02, 0x03, 0x04
PUBLISH, DELIVER, ACK, REFUSED = 0x10, 0x11, 0x12, 0x13
SUBSCRIBE, SUBSCRIBED, UNSUBSCRIBE, UNSUBSCRIBED, DROPPED = 0x20, 0x21, 0x22, 0x23, 0x24
PING, PONG, BYE = 0x30, 0x31, 0x3F

NO_NUMBER = 2**48 - 1
WINDOW = 1_048_576


class BusError(Exception):
    """The broker refused a message or a subscription, or cannot be reached."""


class Message:
    """One message, with its envelope. ``deadline``, by ``time.monotonic()``, is the time until which an answer is awaited."""

    def __init__(self, topic, source, time_ms, time_left_ms, content_type, id, traceparent, replyto, body):
        self.topic, self.source, self.time_ms = topic, source, time_ms
        # 1 means that the deadline has passed in transit.
        self.deadline = time.monotonic() + (time_left_ms / 1000 if time_left_ms > 1 else 0) if time_left_ms else None
        self.content_type, self.id = content_type, id
        self.traceparent, self.replyto = traceparent, replyto
        self.body = body

    @property
    def data(self):
        """The decoded body. Raises ValueError or RecursionError if it does not match its content type."""
        if self.content_type == "application/json":
            return json.loads(self.body) if self.body else None
        return self.body


class Bus:
    """A connection to the broker as the component of ``credential``, the path of a file."""

    def __init__(self, credential, timeout=5.0):
        with open(credential, encoding="utf-8") as file:
            self._credential = json.load(file)
        self.component = self._credential["component"]
        self._timeout = timeout
        self._handlers = {}
        self._last_id = 0
        self._frame = 0
        self._acked = 0
        self._refused = {}
        self._settled = {}
        self._id_prefix = "py-" + os.urandom(8).hex() + "-"
        self._number = 0
        self._connect()

    def publish(self, topic, data, replyto=None, time_left_ms=0):
        """Returns once the broker has queued the message for every matching subscription."""
        body, content_type = (
            (data, "application/octet-stream") if isinstance(data, bytes) else (json.dumps(data).encode(), "application/json")
        )
        self._number += 1
        header = (
            _text(topic, 2) + _text(self.component, 1)
            + int(time.time() * 1000).to_bytes(6, "big") + int(time_left_ms).to_bytes(6, "big")
            + _text(content_type, 1) + _text(self._id_prefix, 1) + _text("", 1) + _text(replyto or "", 2)
        )
        message = self._number.to_bytes(6, "big") + struct.pack(">I", len(body)) + body
        batch = struct.pack(">H", len(header)) + header + message
        self._frame += 1
        number = self._frame
        self._socket.send(struct.pack(">BI", PUBLISH, number) + struct.pack(">I", len(batch)) + batch)
        self._wait(lambda: self._acked >= number, "the broker did not confirm the message")
        if number in self._refused:
            raise BusError(self._refused.pop(number))

    def log(self, level, message, fields=None, component=None):
        """Logs a line in the backend's log, under this component's name. Levels are trace, debug, info, warn, error, fatal."""
        line = {"level": level, "message": message, "fields": fields or {}, "time": int(time.time() * 1000)}
        self.publish(f"logs.{self.component}", line if component is None else {**line, "component": component})

    def subscribe(self, pattern, handler, limit=1024, overflow="drop-oldest"):
        """Calls ``handler(message)``, from within ``poll()``, for every message published from now on."""
        self._last_id += 1
        id = self._last_id
        self._handlers[id] = handler
        self._send_json(SUBSCRIBE, {"id": id, "pattern": pattern, "limit": limit, "overflow": overflow})
        self._wait(lambda: id in self._settled, "the broker did not answer")
        refusal = self._settled.pop(id).get("reason")
        if refusal is not None:
            del self._handlers[id]
            raise BusError(refusal)
        return id

    def unsubscribe(self, id):
        self._handlers.pop(id, None)
        self._send_json(UNSUBSCRIBE, {"id": id})
        self._wait(lambda: id in self._settled, "the broker did not answer")
        del self._settled[id]

    def request(self, topic, data, timeout=5.0):
        """Publishes a request and returns its answer."""
        answers = []
        # A secret for this request.
        replyto = f"{self._reply}.{os.urandom(16).hex()}"
        id = self.subscribe(replyto, answers.append)
        try:
            self.publish(topic, data, replyto=replyto, time_left_ms=max(1, int(timeout * 1000)))
            self._wait(lambda: answers, "nobody answered", timeout)
        finally:
            self.unsubscribe(id)
        answer = answers[0].data
        if not answer.get("ok"):
            raise BusError(f"the request failed ({answer.get('code')})")
        return answer.get("value")

    def respond(self, topic, handler):
        """Answers requests with the return value of ``handler(message)``."""
        cancelled = collections.deque(maxlen=1024)

        def answer(message):
            is_late = message.deadline is not None and message.deadline <= time.monotonic()
            if is_late or message.replyto in cancelled:
                return
            try:
                reply = {"ok": True, "value": handler(message)}
            except Exception as error:  # the requester only learns that the handler failed
                reply = {"ok": False}
                print(f"a request failed: {error!r}", flush=True)
            if message.replyto is not None:
                self.publish(message.replyto, reply)

        # By this subscription the broker knows that requests on the topic are answered.
        self.subscribe("_cancel." + topic, lambda message: cancelled.append(message.replyto))
        return self.subscribe(topic, answer)

    def poll(self, timeout=1.0):
        """Receives frames for ``timeout`` seconds; returns after the first message was handled."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if self._receive(deadline - time.monotonic()) == DELIVER:
                return True
        return False

    def close(self):
        self._send_json(BYE, {"code": "CLOSED", "reason": "closed"})
        self._socket.close(linger=200)
        self._context.term()

    def _connect(self):
        credential = self._credential
        self._routing_id = os.urandom(16).hex().encode()
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.setsockopt(zmq.ROUTING_ID, self._routing_id)
        self._socket.setsockopt(zmq.CURVE_SERVERKEY, credential["broker"].encode())
        self._socket.setsockopt(zmq.CURVE_PUBLICKEY, credential["public_key"].encode())
        self._socket.setsockopt(zmq.CURVE_SECRETKEY, credential["secret_key"].encode())
        self._socket.connect(credential["endpoints"][0])
        hello = {"versions": [1], "component": self.component, "client": os.urandom(8).hex(), "window": WINDOW}
        self._send_json(HELLO, hello)
        nonce = bytes.fromhex(self._expect(CHALLENGE)["nonce"])
        secret = X25519PrivateKey.from_private_bytes(z85.decode(credential["secret_key"]))
        shared = secret.exchange(X25519PublicKey.from_public_bytes(z85.decode(credential["broker"])))
        said = b"aico-bus/1 hello\0" + nonce + self._routing_id + self.component.encode()
        self._send_json(PROOF, {"proof": hmac.new(shared, said, hashlib.sha256).hexdigest()})
        welcome = self._expect(WELCOME)
        self._reply = welcome["reply"]
        self._heartbeat = welcome["heartbeat"] / 1000
        self._last_sent = self._last_heard = time.monotonic()

    def _expect(self, type):
        if not self._socket.poll(int(self._timeout * 1000)):
            raise BusError(f"no broker answers at {self._credential['endpoints'][0]}, or it does not know this key")
        frame = self._socket.recv()
        if frame[0] != type:
            raise BusError(json.loads(frame[1:])["reason"] if frame[0] == BYE else f"an unexpected frame 0x{frame[0]:02x}")
        return json.loads(frame[1:])

    def _send_json(self, type, content):
        self._last_sent = time.monotonic()
        self._socket.send(bytes([type]) + json.dumps(content).encode())

    def _wait(self, done, complaint, timeout=None):
        deadline = time.monotonic() + (timeout or self._timeout)
        while not done():
            left = deadline - time.monotonic()
            if left <= 0:
                raise BusError(complaint)
            self._receive(left)

    def _receive(self, timeout):
        """Receives one frame and returns its type, or sends a heartbeat."""
        now = time.monotonic()
        if now - self._last_sent > self._heartbeat / 2:
            self._socket.send(bytes([PING]))
            self._last_sent = now
        if not self._socket.poll(int(max(0, min(timeout, self._heartbeat / 4)) * 1000)):
            if now - self._last_heard > self._heartbeat * 3:
                raise BusError("the broker is silent")
            return None
        frame = self._socket.recv()
        self._last_heard = time.monotonic()
        type = frame[0]
        if type == PING:
            self._socket.send(bytes([PONG]))
        elif type == ACK:
            self._acked = max(struct.unpack(f">{(len(frame) - 1) // 4}I", frame[1:]))
        elif type == REFUSED:
            refusal = json.loads(frame[1:])
            self._refused[refusal["frame"]] = refusal["reason"]
        elif type in (SUBSCRIBED, UNSUBSCRIBED):
            answer = json.loads(frame[1:])
            self._settled[answer["id"]] = answer
        elif type == BYE:
            raise BusError(json.loads(frame[1:])["reason"])
        elif type == DELIVER:
            (number,) = struct.unpack_from(">I", frame, 1)
            # The frame is confirmed before its messages are handled, since a handler may publish and wait for the broker.
            self._socket.send(struct.pack(">BI", ACK, number))
            for id, message in _messages(frame):
                handler = self._handlers.get(id)
                if handler is None:
                    continue
                try:
                    handler(message)
                except Exception as error:  # a message of one peer must not end this process
                    print(f"a message on {message.topic!r} was not handled: {error!r}", file=sys.stderr, flush=True)
        return type


def _text(text, length_bytes):
    data = text.encode()
    return len(data).to_bytes(length_bytes, "big") + data


def _messages(frame):
    """The messages of a DELIVER frame, each with its subscription."""
    at = 5
    while at < len(frame):
        id, length, header_length = struct.unpack_from(">IIH", frame, at)
        end = at + 8 + length
        cursor = at + 10
        at = cursor + header_length

        def take(count):
            nonlocal cursor
            cursor += count
            return frame[cursor - count : cursor]

        def text(length_bytes):
            return take(int.from_bytes(take(length_bytes), "big")).decode()

        topic, source = text(2), text(1)
        time_ms, time_left_ms = int.from_bytes(take(6), "big"), int.from_bytes(take(6), "big")
        content_type, id_prefix, traceparent, replyto = text(1), text(1), text(1), text(2)
        while at < end:
            number = int.from_bytes(frame[at : at + 6], "big")
            (body_length,) = struct.unpack_from(">I", frame, at + 6)
            body = frame[at + 10 : at + 10 + body_length]
            at += 10 + body_length
            message_id = id_prefix if number == NO_NUMBER else f"{id_prefix}{number:012x}"
            yield id, Message(
                topic, source, time_ms, time_left_ms, content_type, message_id,
                traceparent or None, replyto or None, body,
            )
