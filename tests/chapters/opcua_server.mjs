// An OPC UA server for the chapters: node-opcua plays a scale of the companion model itself (its published nodeset,
// edition 2.00), a PackML machine and a controller.
//
// usage: node opcua_server.mjs PORT --modules DIR --own DIR [--user NAME:PASSWORD] [--sessions N] [--still]
//                              [--control PORT] [--fillers N]
//
// --modules DIR   where node-opcua is installed
// --own DIR       its certificate and key, made there when they are not
// --sessions N    so many sessions, and no more
// --control PORT  takes lines: set NAME VALUE [STATUS] | sessions | quit

import net from "node:net";
import { createRequire } from "node:module";
import path from "node:path";

const words = process.argv.slice(2);
const port = Number(words[0]);
const said = (name, otherwise) => {
    const at = words.indexOf(name);
    return at < 0 ? otherwise : words[at + 1];
};
const require = createRequire(path.resolve(said("--modules"), "package.json"));
const ua = require("node-opcua");
const own = path.resolve(said("--own"));
const APPLICATION = "urn:example:line-4:server";
const PLANT = "urn:example:line-4";

const certificates = new ua.OPCUACertificateManager({ automaticallyAcceptUnknownCertificate: true, rootFolder: own });
await certificates.initialize();
const [name, password] = (said("--user", "")).split(":");
const server = new ua.OPCUAServer({
    port,
    hostname: "127.0.0.1",
    resourcePath: "/line-4",
    nodeset_filename: [
        ua.nodesets.standard,
        ua.nodesets.di,
        ua.nodesets.ia,
        ua.nodesets.machinery,
        ua.nodesets.packML,
        ua.nodesets.scales,
    ],
    serverInfo: { applicationUri: APPLICATION, productUri: "urn:example:product" },
    serverCertificateManager: certificates,
    securityPolicies: [ua.SecurityPolicy.Basic256Sha256, ua.SecurityPolicy.Aes256_Sha256_RsaPss],
    securityModes: [ua.MessageSecurityMode.SignAndEncrypt],
    allowAnonymous: !name,
    userManager: { isValidUser: (user, given) => user === name && given === password },
    serverCapabilities: { maxSessions: Number(said("--sessions", 10)) },
    maxConnectionsPerEndpoint: 10,
});
await server.initialize();

const space = server.engine.addressSpace;
for (let number = 0; number < Number(said("--fillers", 0)); number++) {
    space.registerNamespace(`urn:example:foreign:${number}`);
}
const plant = space.registerNamespace(PLANT);
const scales = space.getNamespaceIndex("http://opcfoundation.org/UA/Scales/V2/");
const packml = space.getNamespaceIndex("http://opcfoundation.org/UA/PackML/");

// a scale as its companion model has it, with what is optional in the type
const scale = space.findObjectType("SimpleScaleType", scales).instantiate({
    namespace: plant,
    browseName: "Scale1",
    nodeId: `ns=${plant.index};s=Scale1`,
    organizedBy: space.rootFolder.objects,
    optionals: ["CurrentWeight.WeightStable", "RegisteredWeight"],
});
const part = (node, ...names) => names.reduce((node, name) => node.getChildByName(name), node);
const weight = part(scale, "CurrentWeight");
const WeightType = space.findDataType("WeightType", scales);
const kilograms = ua.makeEUInformation("KGM", "kg", "kilogram");
const set = {};

function variable(name, node, dataType, read, value) {
    set[name] = (text, status = 0) => {
        const code = status ? ua.coerceStatusCode(status) : ua.StatusCodes.Good;
        node.setValueFromSource({ dataType, ...read(text) }, code);
    };
    set[name](value);
}
const plain = (parse) => (text) => ({ value: parse(text) });
const flag = plain((text) => text === "true");
const weighed = (text) => {
    const [gross, net, tare] = text.split("/").map(Number);
    return { value: space.constructExtensionObject(WeightType, { gross, net, tare }) };
};
variable("CurrentWeight", weight, ua.DataType.ExtensionObject, weighed, "12.5/10/2.5");
for (const [name, value] of [["Overload", "false"], ["Underload", "false"], ["WeightStable", "true"]]) {
    const node = part(weight, name);
    if (node) variable(name, node, ua.DataType.Boolean, flag, value);
}
const unit = part(weight, "EngineeringUnits");
unit.setValueFromSource({ dataType: ua.DataType.ExtensionObject, value: kilograms });
variable("Unit", unit, ua.DataType.ExtensionObject,
    plain((code) => ua.makeEUInformation(code, code, code)), "KGM");
const range = part(weight, "EURange");
if (range) {
    const value = new ua.Range({ low: 0, high: 60 });
    range.setValueFromSource({ dataType: ua.DataType.ExtensionObject, value });
}

// a PackML machine, of which only the status is served
const machine = space.findObjectType("PackMLBaseObjectType", packml).instantiate({
    namespace: plant,
    browseName: "Mixer1",
    nodeId: `ns=${plant.index};s=Mixer1`,
    organizedBy: space.rootFolder.objects,
});
const status = part(machine, "Status");
variable("CurMachSpeed", part(status, "CurMachSpeed"), ua.DataType.Float, plain(Number), "1450");
variable("MachSpeed", part(status, "MachSpeed"), ua.DataType.Float, plain(Number), "1500");
variable("UnitModeCurrent", part(status, "UnitModeCurrent"), ua.DataType.Int32, plain(Number), "1");

const line = plant.addObject({ organizedBy: space.rootFolder.objects, browseName: "Line4", nodeId: `s=Line4` });
const temperature = plant.addAnalogDataItem({
    componentOf: line,
    browseName: "Temperature",
    nodeId: "s=Temperature",
    dataType: "Double",
    engineeringUnitsRange: { low: 0, high: 150 },
    engineeringUnits: ua.makeEUInformation("CEL", "°C", "degree Celsius"),
});
variable("Temperature", temperature, ua.DataType.Double, plain(Number), "72.4");
const counter = plant.addVariable({ componentOf: line, browseName: "Counter", nodeId: "s=Counter", dataType: "UInt32" });
variable("Counter", counter, ua.DataType.UInt32, plain(Number), "0");

await server.start();
console.log(`serving opc.tcp://127.0.0.1:${port}/line-4`);

let count = 0;
const moving = setInterval(() => {
    if (words.includes("--still")) return;
    count += 1;
    set.Counter(String(count));
    set.Temperature((72.5 + (((count * 7) % 51) - 25) / 10).toFixed(1));
}, 200);

const control = net.createServer((line) => {
    let rest = "";
    line.on("data", (bytes) => {
        rest += bytes;
        while (rest.includes("\n")) {
            const command = rest.slice(0, rest.indexOf("\n")).trim().split(/\s+/);
            rest = rest.slice(rest.indexOf("\n") + 1);
            line.write(`${obey(command)}\n`);
        }
    });
    line.on("error", () => {});
});
function obey([word, name, value, status]) {
    try {
        if (word === "set" && set[name]) set[name](value, status ? parseInt(status, 16) : 0);
        else if (word === "sessions") return String(server.engine.currentSessionCount);
        else if (word === "quit") setTimeout(over, 50);
        else return "not understood";
        return "done";
    } catch (wrong) {
        return `failed: ${wrong}`;
    }
}
async function over() {
    clearInterval(moving);
    control.close();
    await server.shutdown(0);
    process.exit(0);
}
if (said("--control")) control.listen(Number(said("--control")), "127.0.0.1");
process.on("SIGTERM", over);
