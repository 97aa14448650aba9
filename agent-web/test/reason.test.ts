import { expect, test } from "vitest";
import { type Key, type Params, translate } from "../src/i18n/translate.ts";
import { reasonWords } from "../src/parts/reason.ts";

const said = (language: "en" | "zh", reason: string) =>
	reasonWords({ t: (key: Key, params?: Params) => translate(language, key, params) }, reason);

test.each([
	["longest idle 42 s", "空闲最久，42 秒"],
	["fewest calls today, 3, has sales>=2; the caller is a VIP", "今日通话最少，3 通; 具备 sales>=2; 来电者是 VIP"],
	["spoke with this caller last, has the preferred zh; priority -5", "上次与该客户通话; 具备优先技能 zh; 优先级 -5"],
	["something of a later version", "something of a later version"],
])("%s", (reason, zh) => {
	expect(said("zh", reason)).toBe(zh);
	expect(said("en", reason).replaceAll("; has", ", has")).toBe(reason);
});
