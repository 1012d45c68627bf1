"""The model of the demo plant: three bottling lines, water treatment, utilities, and their devices.

Written as a ``model.json`` would be, with the helpers that make such a model short to read.
"""

from __future__ import annotations

from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from xentara_nb.protocol.identifiers import DataType
from xentara_nb.simulator.model.datatypes import KEYWORDS

_NAMESPACE = uuid5(NAMESPACE_URL, "https://xentara-nb.example/demo")
# What the shift may set, on top of what security.json allows.
_FOR_OPERATORS = {"entries": [{"role": "Operator", "allow": ["write"]}]}
_NOT_FOR_VIEWERS = {"entries": [{"role": "Viewer", "deny": ["read"]}]}

Json = dict[str, Any]
"""The content of a JSON file."""


def stable_uuid(*path: str) -> str:
    """Return a UUID that depends on nothing but the path."""
    return str(uuid5(_NAMESPACE, "/".join(path)))


def model() -> Json:
    """Return the content of the model file."""
    children = [
        _group("Plant", *(_line(number) for number in (1, 2, 3)), _water(), _utilities()),
        _element(
            "@Skill.CoE.Bus",
            "Field Bus",
            *(_coupler(number) for number in (1, 2, 3)),
            interface="eth1",
            synchronization={"mode": "free run"},
        ),
        _device("device", "Water Controller", "Modbus TCP client", *_water_points()),
        _device("device", "Energy Meter", "Modbus TCP client", *_energy_points()),
        _signals(),
        _tracks(),
        _services(),
        _data_types(),
    ]
    _give_uuids(children, ())
    return {"children": children}


def _give_uuids(children: list[Json], above: tuple[str, ...]) -> None:
    """Give every element a UUID that depends on nothing but its key."""
    for child in children:
        (properties,) = child.values()
        names = (*above, properties["name"])
        properties.setdefault("UUID", stable_uuid("element", *names))
        _give_uuids(properties.get("children", []), names)


def _element(descriptor: str, name: str, *children: Json, **properties: Any) -> Json:
    content: Json = {"name": name, **properties}
    if children:
        content["children"] = list(children)
    return {descriptor: content}


def _group(name: str, *children: Json, **properties: Any) -> Json:
    return _element("@Group", name, *children, **properties)


def _register(name: str, keyword: str, value: Any, **properties: Any) -> Json:
    return _element("@Skill.SignalFlow.Register", name, defaultValue=[keyword, value], **properties)


def _set_point(name: str, keyword: str, value: Any) -> Json:
    return _register(name, keyword, value, ACL=_FOR_OPERATORS)


def _shown(name: str, io: Any, units: str = "", title: str | None = None) -> Json:
    more = {} if title is None else {"displayName": title}
    return _element("@DataPoint", name, io=io, units=units, **more)


def _point(name: str, data_type: str, value: Any, **properties: Any) -> Json:
    return _element("@Skill.Simulator.Point", name, dataType=data_type, value=value, **properties)


def _device(category: str, name: str, type_text: str, *children: Json) -> Json:
    serial = {
        "name": "serialNumber",
        "UUID": stable_uuid("attribute", "serialNumber"),
        "dataType": "string",
        "value": f"SN-{uuid5(_NAMESPACE, name).hex[:8].upper()}",
    }
    return _element(
        "@Skill.Simulator.Point",
        name,
        *children,
        category=category,
        type=type_text,
        deviceState=True,
        attributes=[{"name": "error", "dataType": "ErrorCode"}, serial],
    )


def _line(number: int) -> Json:
    """Return a bottling line: what the shift sets, and what it looks at."""
    coupler = f"Field Bus.Line {number} Coupler"
    speed = 180.0 + 30 * number
    return _group(
        f"Line {number}",
        _set_point("Set point", "float64", speed),
        _set_point("Recipe", "string", ("Still 0.5 l", "Sparkling 0.75 l", "Tea 1 l")[number - 1]),
        _set_point("Batch", "uint32", 4700 + number),
        _set_point("Run", "bool", True),
        _register("Maximum speed", "float32", 360.0),
        _register("Last changeover", "timeStamp", f"2025-03-0{number} 05:45:00Z"),
        _shown("Speed", f"{coupler}.Speed", "bottles/min", f"Line {number} speed"),
        _shown("Bottle count", f"{coupler}.Bottle counter", "", f"Line {number} bottles"),
        _group(
            "Filler",
            _shown("Level", f"{coupler}.Analogue inputs.Level", "mm", "Bowl level"),
            _shown("Pressure", f"{coupler}.Analogue inputs.Pressure", "bar", "Bowl pressure"),
            _shown(
                "Temperature", f"{coupler}.Analogue inputs.Temperature", "°C", "Product temperature"
            ),
            _shown(
                "Inlet valve",
                {
                    "input": f"{coupler}.Digital inputs.Inlet valve open",
                    "output": f"{coupler}.Digital outputs.Open inlet valve",
                },
                title="Inlet valve, feedback and command",
            ),
            _shown("Pump 1.2", f"{coupler}.Digital outputs.Pump", title="Product pump"),
        ),
        _group(
            "Capper",
            _shown("Torque", f"{coupler}.Analogue inputs.Torque", "N·m", "Capping torque"),
            _shown("Caps low", f"{coupler}.Digital inputs.Caps low"),
            # Of a lamp nobody reads back whether it is lit.
            _shown("Lamp", {"output": f"{coupler}.Digital outputs.Lamp"}, title="Signal lamp"),
        ),
        _element(
            "@Skill.SignalProcessing.ConvertedValue",
            "Motor current",
            rawValue=f"{coupler}.Analogue inputs.Current raw",
            mappings=[{"raw": 0, "mapped": 0.0}, {"raw": 32767, "mapped": 20.0}],
        ),
        _element(
            "@Skill.SignalProcessing.Bit",
            "Drive fault",
            source=f"{coupler}.Status word",
            bitNumber=3,
        ),
        _element(
            "@Skill.SignalProcessing.SummaryState",
            "Ready",
            operator="and",
            states=[
                f"{coupler}.Digital inputs.Doors closed",
                f"{coupler}.Digital inputs.Air pressure",
            ],
        ),
    )


def _coupler(number: int) -> Json:
    """Return the bus coupler of a line with the modules plugged into it."""
    outputs = (
        _point("Open inlet valve", "bool", True, access="read and write", ACL=_FOR_OPERATORS),
        _point("Pump", "bool", True, access="read and write", ACL=_FOR_OPERATORS),
        _point("Lamp", "bool", False, access="write only", ACL=_FOR_OPERATORS),
    )
    return _device(
        "device",
        f"Line {number} Coupler",
        "EtherCAT device",
        _point("Speed", "float32", 171.5 + 30 * number),
        _point("Bottle counter", "uint64", 10_412_087 * number),
        _point("Status word", "uint16", 0x0237),
        _device(
            "sub device",
            "Digital inputs",
            "EtherCAT module",
            _point("Doors closed", "bool", True),
            _point("Air pressure", "bool", True),
            _point("Inlet valve open", "bool", True),
            _point("Caps low", "bool", number == 3),
        ),
        _device("sub device", "Digital outputs", "EtherCAT module", *outputs),
        _device(
            "sub device",
            "Analogue inputs",
            "EtherCAT module",
            _point("Level", "int16", 412 + number),
            _point("Pressure", "float32", 2.5),
            _point("Temperature", "float32", 6.5 + number / 4),
            _point("Torque", "float32", 1.75, quality="acceptable" if number == 2 else "good"),
            _point("Current raw", "int16", 12_300 + 800 * number),
        ),
    )


def _water() -> Json:
    controller = "Water Controller"
    return _group(
        "Water Treatment",
        _shown("Raw water flow", f"{controller}.Flow", "m³/h"),
        _shown("Tank level", f"{controller}.Tank level", "%"),
        _shown("pH", f"{controller}.pH"),
        _shown("Conductivity", f"{controller}.Conductivity", "µS/cm"),
        _shown("Turbidity", f"{controller}.Turbidity", "NTU"),
        _shown("Dosing pump", f"{controller}.Dosing pump", "%", "Chlorine dosing"),
        _shown("Mode", f"{controller}.Mode", title="0 off, 1 manual, 2 automatic"),
        _set_point("Tank level set point", "float64", 75.0),
        _set_point("pH set point", "float64", 7.25),
    )


def _water_points() -> list[Json]:
    writable: Json = {"access": "read and write", "ACL": _FOR_OPERATORS}
    return [
        _point("Flow", "float64", 18.4, minimum=0),
        _point("Tank level", "float64", 74.25),
        _point("pH", "float64", 7.31),
        _point("Conductivity", "float64", 412.5),
        # A probe that needs cleaning.
        _point("Turbidity", "float64", 0.0, quality="bad"),
        _point("Dosing pump", "float64", 35.0, minimum=0, maximum=100, **writable),
        _point("Mode", "uint8", 2, allowed=[0, 1, 2], **writable),
    ]


def _utilities() -> Json:
    meter = "Energy Meter"
    return _group(
        "Utilities",
        *(_shown(f"Voltage L{phase}", f"{meter}.Voltage L{phase}", "V") for phase in (1, 2, 3)),
        *(_shown(f"Current L{phase}", f"{meter}.Current L{phase}", "A") for phase in (1, 2, 3)),
        _shown("Active energy", f"{meter}.Active energy", "Wh"),
        _shown("Power factor", f"{meter}.Power factor"),
        _register("Price of energy", "float64", 0.1875, ACL=_NOT_FOR_VIEWERS),
        _set_point("Night operation", "bool", False),
    )


def _energy_points() -> list[Json]:
    return [
        *(_point(f"Voltage L{phase}", "float32", 229.5 + phase / 2) for phase in (1, 2, 3)),
        *(_point(f"Current L{phase}", "float32", 62.25 - phase) for phase in (1, 2, 3)),
        _point("Active energy", "uint64", 987_654_321_012),
        _point("Power factor", "float32", 0.9375),
    ]


def _signals() -> Json:
    """Return signals that change by themselves."""

    def signal(name: str, keyword: str, top: Any, bottom: Any, form: Json) -> Json:
        return _element(
            "@Skill.SignalGenerator.Signal",
            name,
            dataType=keyword,
            top=top,
            bottom=bottom,
            waveForm=form,
        )

    return _element(
        "@Skill.SignalGenerator.Sampler",
        "Test Signals",
        signal("Sine", "float64", 100, 0, {"@SineWave": {"period": "20s"}}),
        signal("Triangle", "float32", 10, -10, {"@Triangle": {"period": "10s"}}),
        signal("Saw-tooth", "int32", 1000, 0, {"@SawTooth": {"period": "10s"}}),
        signal("Pulse", "bool", 1, 0, {"@Pulse": {"period": "4s", "pulseWidth": "1s"}}),
        signal("Noise", "int16", 500, -500, {"@Noise": {}}),
    )


def _tracks() -> Json:
    return _element(
        "@Track",
        "Main Track",
        _element("@Timer", "500ms Timer", period="500ms"),
        _element("@Timer", "10s Timer", period="10s"),
        _element(
            "@Pipeline",
            "Sampling",
            triggers=["Main Track.500ms Timer.expired"],
            checkpoints=[{}, {}],
            segments=[{"start": 0, "end": 1, "tasks": [{"function": "Test Signals.generate"}]}],
        ),
        timing="relaxed",
    )


def _services() -> Json:
    """Return what else a server has, one element of each remaining category."""

    def service(category: str, name: str, type_text: str, *children: Json) -> Json:
        return _element(
            "@Skill.Simulator.Point", name, *children, category=category, type=type_text
        )

    return _group(
        "Services",
        _element("@Skill.CPP.Control", "Line Balancing", controlPath="LineBalancing.so"),
        service("AI", "Cap Inspection", "ONNX classifier"),
        service("data storage", "Shift Archive", "time series database"),
        service("external interface", "Order Desk", "MQTT publisher"),
        service("transaction", "Changeover", "recipe transaction"),
        service(
            "data point group",
            "Shift Totals",
            "summary",
            _point("Bottles", "uint32", 41_230),
            _point("Rejects", "uint32", 118),
        ),
        _element(
            "@Skill.Debugging.Inspector", "Inspector", attributes=["Plant.Line 1.Speed.value"]
        ),
    )


_EXAMPLES: dict[DataType, Any] = {
    DataType.BOOLEAN: True,
    DataType.SIGNED_INTEGER_8: -100,
    DataType.SIGNED_INTEGER_16: -30_000,
    DataType.SIGNED_INTEGER_32: -2_000_000_000,
    DataType.SIGNED_INTEGER_64: -9_000_000_000_000_000_000,
    DataType.UNSIGNED_INTEGER_8: 200,
    DataType.UNSIGNED_INTEGER_16: 60_000,
    DataType.UNSIGNED_INTEGER_32: 4_000_000_000,
    DataType.UNSIGNED_INTEGER_64: 18_000_000_000_000_000_000,
    DataType.FLOAT_32: 0.1,
    DataType.FLOAT_64: 0.1,
    DataType.STRING: "Grüße, 世界 \N{BEER MUG}",
    DataType.TIME_POINT: "2024-01-01T11:11:11.111587983Z",
    DataType.UUID: str(UUID(int=0x88130CE8B9E74A2A8F26D32A931129AA)),
    DataType.QUALITY: 1,
    DataType.ELEMENT_CATEGORY: 2,
    DataType.ERROR_CODE: "no error",
    DataType.CUSTOM: "something of the skill's own",
}


def _data_types() -> Json:
    """Return one point of every data type, a register where there are such registers."""
    keywords = {data_type: keyword for keyword, data_type in KEYWORDS.items()}
    children = []
    for data_type in DataType:
        example = _EXAMPLES.get(data_type, "text of this type")
        if data_type in keywords:
            children.append(_set_point(data_type.label, keywords[data_type], example))
        elif data_type is DataType.NONE:
            # Without a data type there is nothing to read: an attribute that always fails.
            custom = {"name": "nothing", "dataType": data_type.label}
            children.append(
                _element("@Skill.Simulator.Point", data_type.label, attributes=[custom])
            )
        else:
            children.append(
                _point(
                    data_type.label,
                    data_type.label,
                    example,
                    access="read and write",
                    ACL=_FOR_OPERATORS,
                )
            )
    return _group("Data Types", *children)
