package contact

import (
	"maps"
	"slices"
)

// TagGroup is one question about a call, such as its topic, and the tags that
// answer it. Groups are configuration; calls keep IDs.
type TagGroup struct {
	ID    string `yaml:"id" json:"id"` // 1 to 32 of a-z, 0-9, - and _
	Label Label  `yaml:"label" json:"label"`
	// Required: a wrap-up is not done before a tag of the group is chosen.
	Required bool `yaml:"required" json:"required"`
	// Many lets a call have more than one tag of the group.
	Many bool  `yaml:"many" json:"many"`
	Tags []Tag `yaml:"tags" json:"tags"`
}

// Tag is one answer to the question of its group.
type Tag struct {
	ID    string `yaml:"id" json:"id"`
	Label Label  `yaml:"label" json:"label"`
}

// Label is what people read, in each language of the pages; "" is not given.
type Label struct {
	En string `yaml:"en" json:"en"`
	Zh string `yaml:"zh" json:"zh"`
}

// Tags are the IDs of a call's tags by the ID of their group, in the order in
// which they were chosen.
type Tags map[string][]string

// CheckTags returns Invalid, and which one it is, when t has a group or a tag
// that is none of groups, a tag twice, or two tags where one is allowed.
func CheckTags(groups []TagGroup, t Tags) error {
	for _, id := range slices.Sorted(maps.Keys(t)) {
		i := slices.IndexFunc(groups, func(g TagGroup) bool { return g.ID == id })
		if i < 0 {
			return Errorf(Invalid, "there is no group of tags %q", id)
		}
		if len(t[id]) > 1 && !groups[i].Many {
			return Errorf(Invalid, "a call has one tag of the group %q, not %d", id, len(t[id]))
		}
		for n, tag := range t[id] {
			if !slices.ContainsFunc(groups[i].Tags, func(k Tag) bool { return k.ID == tag }) {
				return Errorf(Invalid, "the group %q has no tag %q", id, tag)
			}
			if slices.Contains(t[id][:n], tag) {
				return Errorf(Invalid, "the tag %q of the group %q is there twice", tag, id)
			}
		}
	}
	return nil
}

// MissingTags returns the required groups of which t has no tag.
func MissingTags(groups []TagGroup, t Tags) []TagGroup {
	var missing []TagGroup
	for _, g := range groups {
		if g.Required && len(t[g.ID]) == 0 {
			missing = append(missing, g)
		}
	}
	return missing
}

// DefaultTagGroups are those of a house that was told of none.
func DefaultTagGroups() []TagGroup {
	tag := func(id, en, zh string) Tag { return Tag{ID: id, Label: Label{En: en, Zh: zh}} }
	return []TagGroup{
		{ID: "topic", Label: Label{En: "Topic", Zh: "主题"}, Tags: []Tag{
			tag("order", "Order", "订单"), tag("delivery", "Delivery", "配送"), tag("billing", "Bill", "账单"),
			tag("technical", "Technical", "技术问题"), tag("complaint", "Complaint", "投诉"), tag("other", "Other", "其他"),
		}},
		{ID: "mood", Label: Label{En: "Mood", Zh: "情绪"}, Tags: []Tag{
			tag("pleased", "Pleased", "满意"), tag("calm", "Calm", "平静"), tag("upset", "Upset", "不满"),
		}},
		{ID: "solved", Label: Label{En: "Solved", Zh: "解决"}, Tags: []Tag{
			tag("yes", "Yes", "已解决"), tag("partly", "Partly", "部分解决"), tag("no", "No", "未解决"),
		}},
		{ID: "difficulty", Label: Label{En: "Difficulty", Zh: "难度"}, Tags: []Tag{
			tag("easy", "Easy", "简单"), tag("medium", "Medium", "一般"), tag("hard", "Hard", "困难"),
		}},
	}
}
