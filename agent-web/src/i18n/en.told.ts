/** What a bot and the flow tell the agent. */
export const toldEn = {
	"told.label": "From the bot",
	"told.summary": "Summary",
	"told.intent": "Wants",
	"told.sentiment": "Mood",
	"told.tries": "Tries",
	"told.slots": "Details",
	"told.transcript": "Transcript",
	"told.flow": "From the menu",
	"told.csat": "Satisfaction",
	"told.csat.of": "{n} of 5",
	"told.yes": "yes",
	"told.no": "no",
};
