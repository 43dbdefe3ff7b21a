"""The controller and the drive of the example plant, played by pymodbus: another implementation of Modbus.

    instruments.py tcp PORT       both, as units 1 and 2 of one TCP server
    instruments.py rtu DEVICE     both on one RTU line, 19200 8N1

What they say: 72.4 °C, set to 72.5 °C, output 41.3 %; the drive runs backwards at 300 rpm, 6.1 A, -11.8 N·m.
"""

import asyncio
import sys

from pymodbus.datastore import ModbusDeviceContext, ModbusSequentialDataBlock, ModbusServerContext
from pymodbus.framer import FramerType
from pymodbus.server import ModbusSerialServer, ModbusTcpServer

# Blocks begin at 1 because pymodbus counts registers from one, as manuals do.
controller = ModbusDeviceContext(ir=ModbusSequentialDataBlock(1, [724, 725, 413, 1]))
drive = ModbusDeviceContext(hr=ModbusSequentialDataBlock(101, [0x0427, 0x10000 - 300, 61, 0x10000 - 118, 0]))


async def main(kind, place):
    context = ModbusServerContext(devices={1: controller, 2: drive}, single=False)
    if kind == "tcp":
        server = ModbusTcpServer(context, address=("127.0.0.1", int(place)))
    else:
        server = ModbusSerialServer(context, framer=FramerType.RTU, port=place, baudrate=19200)
    await server.serve_forever()


asyncio.run(main(*sys.argv[1:]))
