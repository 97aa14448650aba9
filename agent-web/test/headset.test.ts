import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Act, Buttons } from "../src/phone/buttons.ts";
import { Headset } from "../src/phone/headset.ts";
import { type Button, layoutOf, lightReports, type Place, quirkOf, readButtons } from "../src/phone/hid.ts";
import { settled } from "./fakes.ts";

const bit = (more: HIDReportItem): HIDReportItem => ({
	isAbsolute: true,
	isArray: false,
	isConstant: false,
	isRange: false,
	reportSize: 1,
	reportCount: 1,
	...more,
});
const pad = (bits: number) => bit({ isConstant: true, reportCount: bits });
/** A usual headset: hook and mute in report 1, ring, off-hook and mute lights in report 2. */
const USUAL: HIDCollectionInfo[] = [
	{
		usagePage: 0x0c,
		usage: 1,
		inputReports: [{ reportId: 9, items: [bit({ usages: [0x0c00e9, 0x0c00ea], reportCount: 2 })] }],
	},
	{
		usagePage: 0x0b,
		usage: 5,
		inputReports: [
			{
				reportId: 1,
				items: [pad(3), bit({ usages: [0x0b0020] }), bit({ usages: [0x0b002f], isAbsolute: false }), pad(3)],
			},
		],
		outputReports: [{ reportId: 2, items: [bit({ usages: [0x080018, 0x080017, 0x080009], reportCount: 3 }), pad(5)] }],
	},
];
const view = (...octets: number[]) => new DataView(new Uint8Array(octets).buffer);

describe("report descriptors", () => {
	test("places of buttons and lights, paddings counted", () => {
		const layout = layoutOf(USUAL);
		expect(layout?.buttons.get("hook")).toMatchObject([{ report: 1, bit: 3, kind: "absolute" }]);
		expect(layout?.buttons.get("mute")).toMatchObject([{ report: 1, bit: 4, kind: "relative" }]);
		expect(layout?.buttons.has("volume_up")).toBe(false); // a consumer control is the system's
		expect(layout?.lengths.get(2)).toBe(1);
	});
	test("a keyboard is no headset", () => {
		expect(layoutOf([{ usagePage: 1, usage: 6, inputReports: [{ items: [bit({ usages: [0x0b0020] })] }] }])).toBeNull();
		expect(layoutOf([])).toBeNull();
	});
	test("reports are read bit by bit; one that is too short says nothing", () => {
		const layout = layoutOf(USUAL);
		if (!layout) throw new Error("no layout");
		expect(readButtons(layout, 1, view(0b01000)).get("hook")?.down).toBe(true);
		expect(readButtons(layout, 1, view(0b10111)).get("hook")?.down).toBe(false);
		expect(readButtons(layout, 1, view()).size).toBe(0);
		expect(readButtons(layout, 7, view(0xff)).size).toBe(0);
	});
	test("keys in an array, given as a range", () => {
		const item = bit({
			isArray: true,
			isRange: true,
			usageMinimum: 0x0b0020,
			usageMaximum: 0x0b002f,
			logicalMinimum: 1,
			reportSize: 4,
			reportCount: 2,
		});
		const layout = layoutOf([{ usagePage: 0x0b, usage: 5, inputReports: [{ reportId: 0, items: [item] }] }]);
		if (!layout) throw new Error("no layout");
		expect(readButtons(layout, 0, view(0x01)).get("hook")?.down).toBe(true);
		expect(readButtons(layout, 0, view(0x10)).get("hook")?.down).toBe(true); // in the second slot
		expect(readButtons(layout, 0, view(0x07)).get("drop")?.down).toBe(true);
		expect(readButtons(layout, 0, view(0x00)).get("hook")?.down).toBe(false);
	});
	test("lights are whole reports", () => {
		const layout = layoutOf(USUAL);
		if (!layout) throw new Error("no layout");
		expect(lightReports(layout, new Set(["ring"])).get(2)).toEqual(new Uint8Array([1]));
		expect(lightReports(layout, new Set(["off_hook", "mute"])).get(2)).toEqual(new Uint8Array([6]));
		expect(lightReports(layout, new Set()).get(2)).toEqual(new Uint8Array([0]));
	});
	test("a descriptor that claims millions of usages costs nothing", () => {
		const item = bit({ isRange: true, usageMinimum: 0x0b0020, usageMaximum: 0xffffffff, reportCount: 2 });
		expect(
			layoutOf([{ usagePage: 0x0b, usage: 5, inputReports: [{ reportId: 1, items: [item] }] }])?.buttons.size,
		).toBe(2);
	});
	test("descriptors and reports of any content are survived", () => {
		let seed = 7;
		const random = (n: number) => {
			seed = (seed * 1103515245 + 12345) % 2147483648;
			return seed % n;
		};
		for (let i = 0; i < 500; i++) {
			const items = Array.from({ length: random(6) }, () => ({
				isAbsolute: random(2) === 0,
				isArray: random(3) === 0,
				isConstant: random(3) === 0,
				isRange: random(2) === 0,
				usages: [0x0b0020 + random(20), 0x080009 + random(30)],
				usageMinimum: 0x0b0000 + random(64),
				usageMaximum: 0x0b0000 + random(64),
				reportSize: random(40),
				reportCount: random(40),
			}));
			const layout = layoutOf([
				{ usagePage: 0x0b, usage: 5, inputReports: [{ reportId: 1, items }], outputReports: [{ reportId: 2, items }] },
			]);
			if (!layout) continue;
			readButtons(layout, 1, view(...Array.from({ length: random(20) }, () => random(256))));
			lightReports(layout, new Set(["ring", "off_hook", "mute", "hold"]));
		}
	});
});

/** Buttons in the hand of a test. */
function hand(vendor = 0) {
	const acts: Act[] = [];
	const buttons = new Buttons(quirkOf(vendor), (act) => acts.push(act));
	let now = 10_000;
	const report = (states: Partial<Record<Button, 0 | 1>>, kind: Place["kind"] = "absolute") =>
		buttons.report(new Map(Object.entries(states).map(([b, s]) => [b as Button, { down: s === 1, kind }])), now);
	return {
		acts,
		buttons,
		report,
		pass: (ms: number) => {
			now += ms;
		},
		call: (call: "none" | "ringing" | "talking" | "hold", muted = false) => buttons.show({ call, muted }, now),
		lights: () => [...buttons.lights()].sort().join(),
	};
}

describe("an absolute hook switch", () => {
	test("lifted while it rings it answers; put down it ends", () => {
		const h = hand();
		h.call("ringing");
		expect(h.lights()).toBe("ring");
		expect(h.report({ hook: 1 })).toBe(true);
		expect(h.acts).toEqual(["answer"]);
		expect(h.lights()).toBe("off_hook"); // confirmed at once, before the server
		h.pass(200);
		h.call("talking");
		h.pass(60_000);
		h.report({ hook: 0 });
		expect(h.acts).toEqual(["answer", "end"]);
	});
	test("its answer to our light is no act", () => {
		const h = hand();
		h.call("ringing");
		h.pass(3000);
		h.call("talking"); // answered on the page
		h.pass(40);
		h.report({ hook: 1 });
		h.pass(30_000);
		h.call("none"); // ended on the page
		h.pass(40);
		h.report({ hook: 0 });
		expect(h.acts).toEqual([]);
	});
	test("lifted without a call it is only put back in step", () => {
		const h = hand();
		expect(h.report({ hook: 1 })).toBe(true);
		expect(h.lights()).toBe("");
		expect(h.acts).toEqual([]);
	});
	test("a request that nobody confirmed and that the headset takes back ends nothing", () => {
		const h = hand(0x0b0e);
		h.call("ringing");
		h.report({ hook: 1 });
		h.pass(2500);
		h.report({ hook: 0 });
		h.call("talking");
		expect(h.acts).toEqual(["answer"]);
	});
	test("an answer that was refused rings on", () => {
		const h = hand();
		h.call("ringing");
		h.report({ hook: 1 });
		h.buttons.unanswered();
		expect(h.lights()).toBe("ring");
	});
	test("hold leaves the hook up", () => {
		const h = hand();
		h.call("talking");
		h.pass(2000);
		h.call("hold");
		expect(h.lights()).toBe("hold,off_hook");
	});
});

describe("other hooks", () => {
	test("relative: each press is one", () => {
		const h = hand();
		h.call("ringing");
		h.report({ hook: 1 }, "relative");
		h.call("talking");
		h.pass(5000);
		h.report({ hook: 1 }, "relative");
		expect(h.acts).toEqual(["answer", "end"]);
	});
	test("a push button that calls itself absolute", () => {
		const h = hand();
		h.call("ringing");
		h.report({ hook: 1 });
		h.pass(120);
		h.report({ hook: 0 });
		h.call("talking");
		expect(h.acts).toEqual(["answer"]);
		h.pass(5000);
		h.report({ hook: 1 });
		h.pass(120);
		h.report({ hook: 0 });
		expect(h.acts).toEqual(["answer", "end"]);
	});
});

describe("mute", () => {
	test("a press comes as 1 and at once 0, and is one", () => {
		const h = hand();
		h.call("talking");
		h.report({ mute: 1 });
		h.report({ mute: 0 });
		expect(h.acts).toEqual(["mute"]);
		h.call("talking", true);
		expect(h.lights()).toBe("mute,off_hook");
		h.pass(500);
		h.report({ mute: 1 });
		h.report({ mute: 0 });
		expect(h.acts).toEqual(["mute", "mute"]);
	});
	test("one press under two report ids is one", () => {
		const h = hand(0x047f);
		h.call("talking");
		h.report({ mute: 1 }, "relative");
		h.pass(50);
		h.report({ mute: 1 }, "relative");
		expect(h.acts).toEqual(["mute"]);
	});
	test("without a call it says nothing and shows nothing", () => {
		const h = hand();
		h.report({ mute: 1 });
		h.call("none", true);
		expect(h.acts).toEqual([]);
		expect(h.lights()).toBe("");
	});
});

test("drop declines what rings; volume goes to the page", () => {
	const h = hand();
	h.call("ringing");
	h.report({ drop: 1 });
	h.report({ volume_up: 1 });
	expect(h.acts).toEqual(["decline", "volume_up"]);
});

/** A headset on a bus. */
class FakeDevice extends EventTarget {
	opened = false;
	vendorId = 0x1395;
	productId = 1;
	productName = "Fake EPOS";
	sent: string[] = [];
	refuses = false;
	opens: Promise<void> = Promise.resolve();
	constructor(readonly collections = USUAL) {
		super();
	}
	async open() {
		if (this.refuses) throw new Error("held by another program");
		await this.opens;
		this.opened = true;
	}
	async close() {
		this.opened = false;
	}
	async sendReport(id: number, data: Uint8Array) {
		this.sent.push(`${id}:${data.join()}`);
	}
	report(...octets: number[]) {
		this.dispatchEvent(Object.assign(new Event("inputreport"), { device: this, reportId: 1, data: view(...octets) }));
	}
}
class FakeHid extends EventTarget {
	devices: FakeDevice[] = [];
	async getDevices() {
		return this.devices as unknown as HIDDevice[];
	}
	async requestDevice() {
		this.devices = [new FakeDevice()];
		return this.getDevices();
	}
	async change(type: "connect" | "disconnect", device: FakeDevice) {
		this.devices = this.devices.filter((d) => d !== device);
		if (type === "connect") this.devices.push(device);
		this.dispatchEvent(Object.assign(new Event(type), { device }));
		await settled();
	}
}

beforeEach(() => vi.spyOn(console, "warn").mockImplementation(() => undefined));
afterEach(() => vi.restoreAllMocks());

const headsetOn = (hid: FakeHid, act: (act: Act) => void = () => undefined) =>
	new Headset(hid as unknown as HID, act, () => 0);

describe("a device", () => {
	test("is opened when it was allowed before, shows the call, and is let go", async () => {
		const hid = new FakeHid();
		const acts: Act[] = [];
		const headset = headsetOn(hid, (a) => acts.push(a));
		expect(headset.state.now).toEqual({ at: "none" });
		await headset.ask();
		expect(headset.state.now).toEqual({ at: "ready", name: "Fake EPOS", maker: "EPOS" });
		const [device] = hid.devices;
		headset.show({ call: "ringing", muted: false });
		await settled();
		expect(device?.sent.at(-1)).toBe("2:1");
		device?.report(0b1000);
		await settled();
		expect(acts).toEqual(["answer"]);
		expect(device?.sent.at(-1)).toBe("2:2");
		await headset.close();
		expect(device?.sent.at(-1)).toBe("2:0");
		expect(device?.opened).toBe(false);
	});
	test("unplugged and plugged in again in mid-call shows the call at once", async () => {
		const hid = new FakeHid();
		const headset = headsetOn(hid);
		await headset.ask();
		const device = hid.devices[0] as FakeDevice;
		headset.show({ call: "talking", muted: true });
		await hid.change("disconnect", device);
		expect(headset.state.now).toEqual({ at: "none" });
		const again = new FakeDevice();
		await hid.change("connect", again);
		expect(again.sent).toEqual(["2:6"]);
	});
	test("that comes after the sign-out is the next person's", async () => {
		const hid = new FakeHid();
		const acts: string[] = [];
		const first = headsetOn(hid, (act) => acts.push(`first ${act}`));
		await first.ask();
		await first.close();
		hid.devices = [];
		const second = headsetOn(hid, (act) => acts.push(`second ${act}`));
		const device = new FakeDevice();
		await hid.change("connect", device);
		second.show({ call: "talking", muted: false });
		await settled();
		expect(first.state.now).toEqual({ at: "none" });
		device.report(0b1000);
		await settled();
		expect(device.sent.at(-1)).toBe("2:2"); // off the hook, and nobody put it back
	});
	test("that is being opened at the sign-out is let go", async () => {
		const hid = new FakeHid();
		const device = new FakeDevice();
		hid.devices = [device];
		let open: () => void = () => undefined;
		device.opens = new Promise((done) => {
			open = done;
		});
		const headset = headsetOn(hid);
		void headset.look();
		await settled();
		const closed = headset.close();
		open();
		await closed;
		expect(device.opened).toBe(false);
		device.report(0b1000);
		expect([device.sent, headset.state.now]).toEqual([[], { at: "none" }]);
	});
	test("that another program holds is named; one that is no headset is left alone", async () => {
		const hid = new FakeHid();
		const held = new FakeDevice();
		held.refuses = true;
		hid.devices = [new FakeDevice([{ usagePage: 1, usage: 6 }]), held];
		const headset = headsetOn(hid);
		await headset.look();
		expect(headset.state.now).toEqual({ at: "failed", name: "Fake EPOS" });
		expect(hid.devices[0]?.opened).toBe(false);
	});
	test("a browser without WebHID says so", () => {
		expect(new Headset(undefined, () => undefined).state.now).toEqual({ at: "unsupported" });
	});
	test("what has not changed is not written again", async () => {
		const hid = new FakeHid();
		const headset = headsetOn(hid);
		await headset.ask();
		headset.show({ call: "talking", muted: false });
		headset.show({ call: "talking", muted: false });
		await settled();
		expect(hid.devices[0]?.sent).toEqual(["2:0", "2:2"]);
	});
});
