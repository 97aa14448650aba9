/**
 * Telephony headsets over WebHID, as their own report descriptors describe them
 * (USB HID Usage Tables 1.5: page 0x0B Telephony, 0x08 LED, 0x0C Consumer).
 * A usage is written page and id in one number: 0x0B0020.
 */

/** What a person presses. */
export type Button = "hook" | "mute" | "drop" | "hold" | "volume_up" | "volume_down";
/** What the headset shows. */
export type Light = "ring" | "off_hook" | "mute" | "hold";

const TELEPHONY = 0x0b;
const BUTTONS: Record<number, Button> = {
	720928: "hook",
	720929: "hold", // Flash
	720931: "hold",
	720934: "drop",
	720943: "mute",
	// Only within the telephony collection: the system turns the volume itself for consumer controls.
	786665: "volume_up",
	786666: "volume_down",
};
const LIGHTS: Record<number, Light[]> = {
	524297: ["mute"],
	524311: ["off_hook"],
	524312: ["ring"],
	524320: ["hold"],
	721054: ["ring"],
};

/** Where a one-bit (or wider) value lies in a report, in bits from its beginning. */
export interface Place {
	report: number;
	bit: number;
	size: number;
	/** absolute follows a state; relative says only that something was pressed. */
	kind: "absolute" | "relative";
	/** In an array the slots hold indexes: this one means the button. */
	index: number | null;
	/** How many slots the array has. */
	slots: number;
}

/** A device's buttons and lights, and how many octets each of its output reports has. */
export interface Layout {
	buttons: Map<Button, Place[]>;
	lights: Map<Light, Place[]>;
	lengths: Map<number, number>;
}

/** The filter by which a person chooses a telephony device. */
export const TELEPHONY_FILTER = [{ usagePage: TELEPHONY }];

/** A device's layout; null if it is no telephony device. */
export function layoutOf(collections: readonly HIDCollectionInfo[]): Layout | null {
	const layout: Layout = { buttons: new Map(), lights: new Map(), lengths: new Map() };
	// A report's items stand whole and in order in the topmost collection.
	for (const collection of collections) {
		if (collection.usagePage !== TELEPHONY) continue;
		for (const report of collection.inputReports ?? []) {
			walk(report, (usage, place) => {
				const button = BUTTONS[usage];
				if (button) add(layout.buttons, button, place);
			});
		}
		for (const report of collection.outputReports ?? []) {
			const bits = walk(report, (usage, place) => {
				for (const light of LIGHTS[usage] ?? []) add(layout.lights, light, place);
			});
			layout.lengths.set(report.reportId ?? 0, Math.ceil(bits / 8));
		}
	}
	return layout.buttons.size + layout.lights.size > 0 ? layout : null;
}

function add<K>(map: Map<K, Place[]>, key: K, place: Place): void {
	map.set(key, [...(map.get(key) ?? []), place]);
}

/** Goes through a report's items, telling each usage's place; returns the report's length in bits. */
function walk(report: HIDReportInfo, tell: (usage: number, place: Place) => void): number {
	let bit = 0;
	for (const item of report.items ?? []) {
		const size = item.reportSize ?? 0;
		const count = item.reportCount ?? 0;
		const place = {
			report: report.reportId ?? 0,
			size,
			kind: item.isAbsolute === false ? "relative" : "absolute",
		} as const;
		if (!item.isConstant && size > 0 && count > 0) {
			const usages = usagesOf(item);
			if (item.isArray) {
				usages.forEach((usage, i) => {
					tell(usage, { ...place, bit, index: i + (item.logicalMinimum ?? 0), slots: count });
				});
			} else {
				for (let i = 0; i < count; i++) {
					// The last usage stands for all that are left.
					const usage = usages[Math.min(i, usages.length - 1)];
					if (usage !== undefined) tell(usage, { ...place, bit: bit + i * size, index: null, slots: 1 });
				}
			}
		}
		bit += size * count;
	}
	return bit;
}

/** As many usages as any report of ours can hold; a descriptor may claim a range of millions. */
const MOST_USAGES = 512;

function usagesOf(item: HIDReportItem): number[] {
	if (!item.isRange) return (item.usages ?? []).slice(0, MOST_USAGES);
	const first = item.usageMinimum ?? 0;
	const last = Math.min(item.usageMaximum ?? first, first + MOST_USAGES - 1);
	return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i);
}

/** What a report says of the buttons that it has; a report that is too short says nothing of the rest. */
export function readButtons(
	layout: Layout,
	report: number,
	data: DataView,
): Map<Button, { down: boolean; kind: Place["kind"] }> {
	const found = new Map<Button, { down: boolean; kind: Place["kind"] }>();
	for (const [button, places] of layout.buttons) {
		for (const place of places) {
			if (place.report !== report || place.bit + place.size * place.slots > data.byteLength * 8) continue;
			let down = false;
			for (let slot = 0; slot < place.slots; slot++) {
				const value = bits(data, place.bit + slot * place.size, place.size);
				down ||= place.index === null ? value !== 0 : value === place.index;
			}
			found.set(button, { down: down || (found.get(button)?.down ?? false), kind: place.kind });
		}
	}
	return found;
}

/** The reports that show these lights, each whole: a report that is sent sets everything in it. */
export function lightReports(layout: Layout, on: ReadonlySet<Light>): Map<number, Uint8Array<ArrayBuffer>> {
	const reports = new Map<number, Uint8Array<ArrayBuffer>>();
	for (const [light, places] of layout.lights) {
		for (const { report, bit, size, index, slots } of places) {
			const data = reports.get(report) ?? new Uint8Array(layout.lengths.get(report) ?? 0);
			reports.set(report, data);
			if (!on.has(light)) continue;
			if (index === null) data[bit >> 3] = (data[bit >> 3] ?? 0) | (1 << (bit & 7));
			else {
				for (let slot = 0; slot < slots; slot++) {
					const at = bit + slot * size;
					const octet = data[at >> 3] ?? 0;
					if (((octet >> (at & 7)) & ((1 << size) - 1)) !== 0) continue;
					data[at >> 3] = octet | (index << (at & 7));
					break;
				}
			}
		}
	}
	return reports;
}

/** A value of up to 32 bits, the lowest first, as HID has it. */
function bits(data: DataView, from: number, size: number): number {
	let value = 0;
	for (let i = 0; i < Math.min(size, 32); i++) {
		const at = from + i;
		if (((data.getUint8(at >> 3) >> (at & 7)) & 1) !== 0) value += 2 ** i;
	}
	return value;
}

/** How a maker's headsets differ from what the usage tables make one expect. */
export interface Quirk {
	maker: string;
	/** Presses of one button that come closer together, in ms, are one. */
	apart: number;
	/** An answer or an end that nobody confirmed is taken back by the headset after this, in ms; 0: never. */
	takesBack: number;
}

const USUAL: Quirk = { maker: "", apart: 60, takesBack: 0 };
/**
 * By USB vendor. What is known from public reports (WICG/webhid issues 61 and
 * 72, Linux's hid-plantronics); none of these was tried on a real device here.
 */
const QUIRKS: Record<number, Quirk> = {
	// The hook goes back by itself about two seconds after a request that nobody confirmed.
	2830: { maker: "Jabra", apart: 60, takesBack: 2600 },
	// One press comes under two report ids within 50 ms.
	1151: { maker: "Poly", apart: 120, takesBack: 0 },
	5013: { maker: "EPOS", apart: 60, takesBack: 0 },
};

export function quirkOf(vendor: number): Quirk {
	return QUIRKS[vendor] ?? USUAL;
}
