import { chooseLanguage, type Language } from "../i18n/translate.ts";

export type Theme = "system" | "light" | "dark" | "contrast";
/** What is seen: a theme, or what the system wishes. */
export type Look = Exclude<Theme, "system">;
export const THEMES: readonly Theme[] = ["system", "light", "dark", "contrast"];

interface Stored {
	language: Language;
	theme: Theme;
	letters: "on" | "off";
	waiting: "on" | "off";
}

const KEY = "callfloor.prefs";

/** What follows a person to another browser. */
export const FOLLOWING = ["language", "theme", "letters"] as const;
type Following = (typeof FOLLOWING)[number];
const WORDS: Record<Following, readonly string[]> = { language: ["en", "zh"], theme: THEMES, letters: ["on", "off"] };

/** Prefs are this browser's: language, look, single-letter keys. */
export class Prefs {
	/** Told what the person chose here. */
	chosen: (name: Following) => void = () => undefined;
	#stored = $state<Stored>(load());
	#look = $state<Look>("light");

	get language(): Language {
		return this.#stored.language;
	}
	set language(language: Language) {
		this.#save({ language });
	}
	get theme(): Theme {
		return this.#stored.theme;
	}
	set theme(theme: Theme) {
		this.#save({ theme });
	}
	/** The look as it is now, for what is drawn and not styled. */
	get look(): Look {
		return this.#look;
	}
	get letters(): "on" | "off" {
		return this.#stored.letters;
	}
	set letters(letters: "on" | "off") {
		this.#save({ letters });
	}
	/** Whether a call that is meant for this person rings beside another one. */
	get waiting(): "on" | "off" {
		return this.#stored.waiting;
	}
	set waiting(waiting: "on" | "off") {
		this.#save({ waiting });
	}

	/** Takes what the person chose in another browser. */
	take(name: Following, value: unknown): void {
		if (typeof value === "string" && WORDS[name].includes(value)) this.#keep({ [name]: value } as Partial<Stored>);
	}

	/** The system goes dark in the evening; a page that is open all day goes along. Returns the way out. */
	follow(): () => void {
		const wishes = WISHES.map((wish) => matchMedia(wish));
		const look = () => this.apply();
		for (const wish of wishes) wish.addEventListener("change", look);
		look();
		return () => {
			for (const wish of wishes) wish.removeEventListener("change", look);
		};
	}

	/** Writes language and look to the document; follows the system's wish. */
	apply(): void {
		const html = document.documentElement;
		html.lang = this.language === "zh" ? "zh-CN" : "en";
		this.#look = this.theme === "system" ? systemLook() : this.theme;
		html.dataset.theme = this.#look;
	}

	#save(part: Partial<Stored>): void {
		this.#keep(part);
		for (const name of FOLLOWING) if (name in part) this.chosen(name);
	}

	#keep(part: Partial<Stored>): void {
		Object.assign(this.#stored, part);
		try {
			localStorage.setItem(KEY, JSON.stringify(this.#stored));
		} catch {
			// A browser that keeps nothing: the choice lasts until the reload.
		}
		this.apply();
	}
}

/** What the system may wish. */
const WISHES = ["(prefers-contrast: more)", "(prefers-color-scheme: dark)"] as const;

function systemLook(): Look {
	const [contrast, dark] = WISHES.map((wish) => matchMedia(wish).matches);
	return contrast ? "contrast" : dark ? "dark" : "light";
}

function load(): Stored {
	const fresh: Stored = {
		language: chooseLanguage(navigator.languages),
		theme: "system",
		letters: "on",
		waiting: "on",
	};
	try {
		return { ...fresh, ...(JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Stored>) };
	} catch {
		return fresh;
	}
}
