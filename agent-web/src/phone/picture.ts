import type { Wanted } from "./sound.ts";
import { Cell, type Value } from "./value.ts";

/** Where the self-view is within the other side's picture. */
export const CORNERS = ["bottom-right", "bottom-left", "top-left", "top-right"] as const;
export type Corner = (typeof CORNERS)[number];

/** How this person's camera is used in this browser. null is what the system takes. */
export interface Picture {
	camera: Wanted | null;
	blur: "on" | "off";
	self: "shown" | "hidden";
	corner: Corner;
}

export const PLAIN: Picture = { camera: null, blur: "off", self: "shown", corner: "bottom-right" };

/** PictureBox remembers, for one person in this browser, how the camera is used. Whether it is on is never remembered. */
export class PictureBox {
	#picture: Cell<Picture>;
	readonly #key: string;

	constructor(
		user: string,
		private readonly storage: Pick<Storage, "getItem" | "setItem"> | null,
	) {
		this.#key = `callfloor.picture.${user}`;
		this.#picture = new Cell(sane(this.#load()));
	}

	get picture(): Value<Picture> {
		return this.#picture;
	}

	set(part: Partial<Picture>): void {
		this.#picture.set(sane({ ...this.#picture.now, ...part }));
		try {
			this.storage?.setItem(this.#key, JSON.stringify(this.#picture.now));
		} catch {
			// A browser that keeps nothing: the choice lasts until the reload.
		}
	}

	/** Moves the self-view to the next corner; a hidden one comes back where it was. */
	moveSelf(): void {
		const { self, corner } = this.#picture.now;
		if (self === "hidden") return this.set({ self: "shown" });
		this.set({ corner: CORNERS[(CORNERS.indexOf(corner) + 1) % CORNERS.length] ?? PLAIN.corner });
	}

	#load(): Partial<Picture> {
		try {
			const kept: unknown = JSON.parse(this.storage?.getItem(this.#key) ?? "{}");
			return typeof kept === "object" && kept !== null ? kept : {};
		} catch {
			return {};
		}
	}
}

/** What an older page, or a person, left in the storage must not break the camera. */
function sane({ camera, blur, self, corner }: Partial<Picture>): Picture {
	const named = typeof camera?.id === "string" && typeof camera.label === "string";
	return {
		camera: named ? { id: camera.id, label: camera.label } : null,
		blur: blur === "on" ? "on" : "off",
		self: self === "hidden" ? "hidden" : "shown",
		corner: CORNERS.find((c) => c === corner) ?? PLAIN.corner,
	};
}
