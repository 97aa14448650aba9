import { expect, test } from "vitest";
import type { Snapshot } from "../src/phone/protocol.ts";
import { type Check, problems } from "./checks.ts";
import {
	bye,
	candidate,
	change,
	command,
	hello,
	media,
	ping,
	result,
	sdp,
	snapshot,
	tab,
	welcome,
} from "./message-shapes.ts";
import { agent, alert, call, echo, floor, flowcall, listen, me, parked, queue, tags, task } from "./view-shapes.ts";

/** The golden files of web/protocol.go, which the Go tests read too: a drift fails both. */
const files = import.meta.glob("../../web/testdata/protocol/*.json", { eager: true, import: "default" });

const shapes: Record<string, Record<string, Check>> = {
	hello,
	welcome,
	snapshot,
	change,
	tab,
	offer: sdp,
	answer: sdp,
	candidate,
	media,
	do: command,
	result,
	ping,
	pong: ping,
	bye,
	me,
	call,
	other: call,
	agent,
	queue,
	alert,
	floor,
	listen,
	echo,
	flowcall,
	parked,
	task,
	tags,
};

const goldens = Object.entries(files).map(([path, value]) => {
	const name = path.replace(/^.*\/|\.json$/g, "");
	return { name, kind: name.split("_")[0] ?? "", value };
});

test.each(goldens)("golden $name", ({ kind, value }) => {
	const fields = shapes[kind];
	expect(fields, `no type for ${kind}`).toBeDefined();
	expect(problems(fields ?? {}, value)).toEqual([]);
});

test("every message and view has a golden file", () => {
	const kinds = new Set(goldens.map((g) => g.kind));
	expect(Object.keys(shapes).filter((kind) => !kinds.has(kind))).toEqual([]);
});

test("the views of a golden snapshot are what the browser expects", () => {
	for (const { value } of goldens.filter((g) => g.kind === "snapshot")) {
		for (const [key, view] of Object.entries((value as Snapshot).doc)) {
			const fields = shapes[key.split("/")[0] ?? ""] ?? {};
			expect(problems(fields, view), key).toEqual([]);
		}
	}
});
