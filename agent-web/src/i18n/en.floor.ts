/** The floor of many. */
export const floorEn = {
	"floor.count": "{n} of {all}",
	"floor.states": "Agents by state",
} as const;
