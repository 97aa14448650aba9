import { expect, test } from "vitest";
import { csvOf } from "../src/parts/staffing.ts";

test("a plan as CSV has a header, rounded figures and CRLF", () => {
	const text = csvOf([
		{
			start: "2026-11-23T09:00:00.000Z",
			length: 1800,
			contacts: 12,
			answered: 10,
			abandoned: 2,
			in_time: 8,
			wait_mean: 12.34567,
			talk_mean: 180,
			agents: 4,
			agents_c: 5,
			service_level: 0.87654,
			occupancy: 0.7,
			abandon_rate: 0.05,
		},
	]);
	expect(text.split("\r\n")).toEqual([
		"start,contacts,answered,abandoned,in_time,wait_mean,talk_mean,agents,agents_c,service_level,occupancy,abandon_rate",
		"2026-11-23T09:00:00.000Z,12,10,2,8,12.346,180,4,5,0.877,0.7,0.05",
		"",
	]);
});
