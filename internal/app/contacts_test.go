package app

import (
	"net/netip"
	"reflect"
	"testing"
	"time"

	"callfloor/internal/store"
	"callfloor/sip"
)

func TestContactsOutliveTheServer(t *testing.T) {
	db, err := store.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // a test's
	want := []sip.Contact{{
		User: "alice", URI: "sip:alice@192.168.1.7:5060", Flow: netip.MustParseAddrPort("203.0.113.7:40000"), Transport: "UDP",
		Path: []string{"sip:edge.example;lr"}, Instance: "urn:uuid:1", RegID: 1, Expires: time.Unix(2_000_000_000, 0).UTC(),
	}}
	for range 2 { // what was there before is replaced
		if err := writeContacts(t.Context(), db, want); err != nil {
			t.Fatal(err)
		}
	}
	got, err := readContacts(t.Context(), db)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
}
