import { expect, test } from "vitest";
import { stateCounts } from "../src/parts/floor.ts";
import type { AgentView } from "../src/phone/views.ts";

test("agents are counted by state, in the order in which one asks, and nobody is not a state", () => {
	const agents = ["away", "talking", "available", "talking", "offline"].map((state) => ({ state }) as AgentView);
	expect(stateCounts(agents)).toEqual([
		{ state: "available", n: 1 },
		{ state: "talking", n: 2 },
		{ state: "away", n: 1 },
	]);
});
