// The part of WebHID that is used; TypeScript's DOM has none of it.

interface HIDReportItem {
	isAbsolute?: boolean;
	isArray?: boolean;
	isConstant?: boolean;
	isRange?: boolean;
	usages?: number[];
	usageMinimum?: number;
	usageMaximum?: number;
	reportSize?: number;
	reportCount?: number;
	logicalMinimum?: number;
}
interface HIDReportInfo {
	reportId?: number;
	items?: HIDReportItem[];
}
interface HIDCollectionInfo {
	usagePage?: number;
	usage?: number;
	inputReports?: HIDReportInfo[];
	outputReports?: HIDReportInfo[];
}
interface HIDInputReportEvent extends Event {
	readonly device: HIDDevice;
	readonly reportId: number;
	readonly data: DataView;
}
interface HIDConnectionEvent extends Event {
	readonly device: HIDDevice;
}
interface HIDDevice extends EventTarget {
	readonly opened: boolean;
	readonly vendorId: number;
	readonly productId: number;
	readonly productName: string;
	readonly collections: HIDCollectionInfo[];
	open(): Promise<void>;
	close(): Promise<void>;
	sendReport(reportId: number, data: BufferSource): Promise<void>;
	addEventListener(type: "inputreport", fn: (event: HIDInputReportEvent) => void): void;
	removeEventListener(type: "inputreport", fn: (event: HIDInputReportEvent) => void): void;
}
interface HID extends EventTarget {
	getDevices(): Promise<HIDDevice[]>;
	requestDevice(options: { filters: { usagePage?: number; vendorId?: number }[] }): Promise<HIDDevice[]>;
	addEventListener(
		type: "connect" | "disconnect",
		fn: (event: HIDConnectionEvent) => void,
		options?: AddEventListenerOptions,
	): void;
}
interface Navigator {
	readonly hid?: HID;
}
