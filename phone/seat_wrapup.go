package phone

import (
	"context"
	"encoding/json"
	"fmt"

	"callfloor/contact"
	"callfloor/web"
)

// wrapUp ends the wrap-up with the first disposition there is, and the first
// tag of each group that needs one.
func (s *seatRun) wrapUp(ctx context.Context) error {
	v, ok := s.client.Get("call")
	if call := decodeCall(v); !ok || call == nil || call.Phase != web.PhaseWrapUp {
		return nil
	}
	done := web.Command{Do: web.DoWrapUpDone}
	me, _ := s.client.Get("me")
	if d := decodeMe(me).Dispositions; len(d) > 0 {
		done.Disposition = d[0]
	}
	tags, _ := s.client.Get("tags")
	done.Tags = requiredTags(tags)
	// It may end by itself at the same moment.
	if err := s.client.Do(ctx, done); err != nil && contact.ErrorCode(err) != contact.Conflict {
		return fmt.Errorf("ending the wrap-up: %w", err)
	}
	_, err := s.await(ctx, func(c *web.CallView) bool { return c == nil || c.Phase != web.PhaseWrapUp })
	return err
}

// requiredTags returns the first tag of each group of v, a web.TagsView, that
// needs one.
func requiredTags(v json.RawMessage) contact.Tags {
	var view web.TagsView
	_ = json.Unmarshal(v, &view) // absent: no groups
	tags := contact.Tags{}
	for _, g := range view.Groups {
		if g.Required && len(g.Tags) > 0 {
			tags[g.ID] = []string{g.Tags[0].ID}
		}
	}
	return tags
}
