"""An OPC UA server for the chapters: asyncua plays line 3 of a plant, with a scale, a controller and a mixer.

usage: opcua_server.py PORT --own DIR [--user NAME:PASSWORD] [--fillers N] [--skew SECONDS] [--still]
                            [--policy NAME] [--control PORT]

--own DIR      its certificate and key, made there when they are not
--fillers N    so many foreign namespaces first: the same nodes get other indexes
--skew SECONDS the source's clock is so far from ours
--still        nothing moves by itself
--control PORT takes lines: set NAME VALUE [STATUS] | remove NAME | put NAME | sessions | quit
"""

import argparse
import asyncio
import os
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from asyncua import Server, ua
from asyncua.crypto.cert_gen import setup_self_signed_certificate
from asyncua.server.user_managers import UserManager
from asyncua.crypto.permission_rules import User, UserRole
from cryptography.x509.oid import ExtendedKeyUsageOID

PLANT = "urn:example:line-3"
SCALES = "http://opcfoundation.org/UA/Scales/V2/"
UNECE = "http://www.opcfoundation.org/UA/units/un/cefact"
APPLICATION = "urn:example:line-3:server"


class OneUser(UserManager):
    def __init__(self, name, password):
        self.name, self.password = name, password

    def get_user(self, iserver, username=None, password=None, certificate=None):
        if isinstance(password, bytes):
            password = password.decode()
        if username == self.name and password == self.password:
            return User(role=UserRole.User, name=username)
        return None


class Plant:
    """The address space, and who may change it."""

    def __init__(self, server, skew):
        self.server, self.skew, self.nodes, self.values = server, skew, {}, {}

    async def build(self, fillers):
        for number in range(fillers):
            await self.server.register_namespace(f"urn:example:foreign:{number}")
        self.plant = await self.server.register_namespace(PLANT)
        self.scales = await self.server.register_namespace(SCALES)

        @dataclass
        class WeightType:
            Gross: ua.Double = 0.0
            Net: ua.Double = 0.0
            Tare: ua.Double = 0.0

        WeightType.data_type = ua.NodeId(55, self.scales)
        ua.register_extension_object("WeightType", ua.NodeId(88, self.scales), WeightType, ua.NodeId(55, self.scales))
        self.weight_type = WeightType

        self.line = await self.server.nodes.objects.add_object(ua.NodeId("Line3", self.plant), f"{self.plant}:Line3")
        await self.variable("Temperature", 72.4, ua.VariantType.Double, unit=("CEL", "°C"), span=(0.0, 150.0))
        await self.variable("Speed", 1450, ua.VariantType.Int16)
        await self.variable("Phase", 2, ua.VariantType.Int32)
        await self.variable("Running", True, ua.VariantType.Boolean)
        await self.variable("Recipe", "Day cream 12", ua.VariantType.String)
        await self.variable("Counter", 0, ua.VariantType.UInt32)
        await self.variable("Zones", [20.5, 21.0, 21.5, 22.0], ua.VariantType.Double)
        await self.scale()

    async def variable(self, name, value, kind, unit=None, span=None, parent=None, index=None):
        parent = parent or self.line
        identifier = name if parent == self.line else f"Scale1.{name}"
        index = self.plant if index is None else index
        node = await parent.add_variable(
            ua.NodeId(identifier, self.plant), f"{index}:{name}", ua.Variant(value, kind)
        )
        if unit:
            await self.unit(node, *unit)
        if span:
            await node.add_property(0, "EURange", ua.Range(*span))
        self.nodes[name], self.values[name] = node, (kind, parent, index, unit, span)
        await self.set(name, value)

    async def unit(self, node, code, shown):
        number = int.from_bytes(code.encode(), "big")
        said = ua.EUInformation(UNECE, number, ua.LocalizedText(shown), ua.LocalizedText(shown))
        await node.add_property(0, "EngineeringUnits", said)

    async def scale(self):
        own = await self.line.add_object(ua.NodeId("Scale1", self.plant), f"{self.plant}:Scale1")
        weight = ua.Variant(self.weight_type(12.5, 10.0, 2.5), ua.VariantType.ExtensionObject)
        node = await own.add_variable(
            ua.NodeId("Scale1.CurrentWeight", self.plant), f"{self.scales}:CurrentWeight", weight,
            datatype=ua.NodeId(55, self.scales),
        )
        await self.unit(node, "KGM", "kg")
        await node.add_property(0, "EURange", ua.Range(0.0, 60.0))
        self.nodes["CurrentWeight"] = node
        self.values["CurrentWeight"] = (ua.VariantType.ExtensionObject, own, self.scales, None, None)
        await self.set("CurrentWeight", "12.5/10/2.5")
        for name, value in (("Overload", False), ("Underload", False), ("WeightStable", True)):
            await self.variable(name, value, ua.VariantType.Boolean, parent=node, index=self.scales)
        await self.variable("TareMode", 1, ua.VariantType.Int32, parent=node, index=self.scales)

    async def set(self, name, value, status=0):
        kind = self.values[name][0]
        if isinstance(value, str):
            value = self.read(kind, value)
        now = datetime.now(timezone.utc)
        source = now + timedelta(seconds=self.skew)
        variant = None if status & 0x80000000 else ua.Variant(value, kind)
        await self.nodes[name].write_value(ua.DataValue(
            Value=variant, StatusCode=ua.StatusCode(status), SourceTimestamp=source, ServerTimestamp=now
        ))

    def read(self, kind, text):
        if kind == ua.VariantType.ExtensionObject:
            return self.weight_type(*(float(part) for part in text.split("/")))
        if kind == ua.VariantType.Boolean:
            return text == "true"
        if kind == ua.VariantType.Double:
            return [float(part) for part in text.split("/")] if "/" in text else float(text)
        if kind == ua.VariantType.String:
            return text
        return int(text)

    async def remove(self, name):
        await self.server.delete_nodes([self.nodes[name]])

    async def put(self, name):
        kind, parent, index, unit, span = self.values[name]
        await self.variable(name, self.read(kind, "0"), kind, unit, span, parent, index)

    async def move(self):
        """The counter counts every 200 ms, the temperature wanders between 70 and 75 °C."""
        count = 0
        while True:
            await asyncio.sleep(0.2)
            count += 1
            await self.set("Counter", count)
            await self.set("Temperature", round(72.5 + ((count * 7) % 51 - 25) / 10, 1))


async def commands(plant, port, over):
    async def one(reader, writer):
        while line := (await reader.readline()).decode().split():
            said = "done"
            try:
                match line:
                    case ["set", name, value]:
                        await plant.set(name, value)
                    case ["set", name, value, status]:
                        await plant.set(name, value, int(status, 16))
                    case ["remove", name]:
                        await plant.remove(name)
                    case ["put", name]:
                        await plant.put(name)
                    case ["sessions"]:
                        said = str(len(plant.server.iserver._external_sessions))
                    case ["quit"]:
                        over.set()
                    case _:
                        said = "not understood"
            except Exception as wrong:  # a command that fails is told, the server goes on
                said = f"failed: {wrong!r}"
            writer.write(f"{said}\n".encode())
            await writer.drain()
        writer.close()

    return await asyncio.start_server(one, "127.0.0.1", port)


async def main():
    words = argparse.ArgumentParser()
    words.add_argument("port", type=int)
    words.add_argument("--own", required=True)
    words.add_argument("--user")
    words.add_argument("--fillers", type=int, default=0)
    words.add_argument("--skew", type=float, default=0.0)
    words.add_argument("--still", action="store_true")
    words.add_argument("--policy", action="append")
    words.add_argument("--control", type=int)
    said = words.parse_args()

    manager = OneUser(*said.user.split(":", 1)) if said.user else None
    server = Server(user_manager=manager)
    await server.init()
    server.set_endpoint(f"opc.tcp://127.0.0.1:{said.port}/line-3")
    server.set_server_name("Line 3")
    await server.set_application_uri(APPLICATION)
    os.makedirs(said.own, exist_ok=True)
    certificate, key = Path(said.own, "server.der"), Path(said.own, "server.pem")
    await setup_self_signed_certificate(
        key, certificate, APPLICATION, "127.0.0.1",
        [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH],
        {"countryName": "DE", "organizationName": "Example", "commonName": "Line 3"},
    )
    await server.load_certificate(certificate)
    await server.load_private_key(key)
    policies = said.policy or ["Basic256Sha256_SignAndEncrypt", "Aes256Sha256RsaPss_SignAndEncrypt"]
    server.set_security_policy([getattr(ua.SecurityPolicyType, name) for name in policies])
    if said.user:
        server.set_identity_tokens([ua.UserNameIdentityToken])

    plant = Plant(server, said.skew)
    await plant.build(said.fillers)
    over = asyncio.Event()
    async with server:
        control = await commands(plant, said.control, over) if said.control else None
        moving = None if said.still else asyncio.create_task(plant.move())
        print(f"serving opc.tcp://127.0.0.1:{said.port}/line-3", flush=True)
        await over.wait()
        if moving:
            moving.cancel()
        if control:
            control.close()


if __name__ == "__main__":
    asyncio.run(main())
