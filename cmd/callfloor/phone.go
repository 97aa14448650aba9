package main

import (
	"context"
	"fmt"
	"time"

	"callfloor/api"
	"callfloor/media/codec"
	"callfloor/phone"
	"callfloor/sip/sdp"
)

type phoneCmd struct {
	Call phoneCallCmd `cmd:"" help:"Call a SIP address."`
	Seat phoneSeatCmd `cmd:"" help:"Sign in as an agent, go available, answer, wrap up."`
}

type phoneCallCmd struct {
	URI    string        `arg:"" help:"Whom to call, like sip:1000@127.0.0.1."`
	Codec  []string      `help:"The codecs to offer, in this order: PCMU, PCMA, G722, opus." default:"PCMU,PCMA" placeholder:"C,…"`
	Play   string        `help:"What to say: tone:HZ or a WAV file; silence if not given." placeholder:"tone:HZ|FILE.wav"`
	DTMF   string        `name:"dtmf" help:"Keys to press and when, counted from the answer." placeholder:"1@4s,2@9s"`
	For    time.Duration `help:"Hang up so long after the answer." default:"30s" placeholder:"DUR"`
	Record string        `help:"Write what is heard, 8 kHz mono from the answer on." placeholder:"FILE.wav"`
	SRTP   string        `name:"srtp" help:"Encrypt the audio: sdes (keys in the signalling) or dtls (a handshake)." enum:",sdes,dtls" default:"" placeholder:"sdes|dtls"`
	From   string        `help:"The number that calls." placeholder:"NUMBER"`
	JSON   bool          `help:"Print JSON."`
}

// Run makes one call; it fails if the call was rejected or failed.
func (c *phoneCallCmd) Run(ctx context.Context, t terminal) error {
	var codecs []codec.ID
	for _, name := range c.Codec {
		id := codec.Parse(name)
		if !id.Audio() {
			return usagef("--codec %s: the phone speaks PCMU, PCMA, G722 and opus", name)
		}
		codecs = append(codecs, id)
	}
	if c.For <= 0 {
		return usagef("--for %s: a call lasts longer than nothing", c.For)
	}
	r, err := phone.Call(ctx, phone.CallOptions{
		URI: c.URI, Codecs: codecs, Play: c.Play, DTMF: c.DTMF, For: c.For, Record: c.Record, From: c.From, SRTP: sdp.Method(c.SRTP),
	})
	if err != nil {
		return err
	}
	if c.JSON {
		if err := t.printJSON(r); err != nil {
			return err
		}
	} else {
		fmt.Fprintln(t.out, r)
	}
	if r.Result != phone.Completed {
		return silentError{}
	}
	return nil
}

type phoneSeatCmd struct {
	Server      string        `help:"The server; without it the one that runs on the data folder, or on port 8080." env:"CALLFLOOR_SERVER" placeholder:"URL"`
	Data        string        `help:"The data folder." default:"./callfloor-data" env:"CALLFLOOR_DATA" placeholder:"DIR"`
	User        string        `help:"Who signs in." required:""`
	Password    string        `help:"The password." required:"" env:"CALLFLOOR_PASSWORD"`
	Play        string        `help:"What to say: tone:HZ or a WAV file; silence if not given." placeholder:"tone:HZ|FILE.wav"`
	AnswerAfter time.Duration `help:"Let it ring so long." default:"1s" placeholder:"DUR"`
	For         time.Duration `help:"Sign out after so long; without it on Ctrl-C." placeholder:"DUR"`
	Record      string        `help:"Write what is heard from the customer." placeholder:"FILE.wav"`
	JSON        bool          `help:"Print JSON."`
	trust
}

// defaultServer is where serve listens without a configuration.
const defaultServer = "http://127.0.0.1:8080"

// Run sits at a seat for a while.
func (c *phoneSeatCmd) Run(ctx context.Context, t terminal) error {
	own := false
	if c.Server == "" {
		c.Server = defaultServer
		if f, err := api.ReadRunFile(c.Data); err == nil {
			c.Server, own = f.URL, true
		}
	}
	check, err := c.config(own)
	if err != nil {
		return err
	}
	if !c.JSON {
		t.say("%s takes calls on %s. Ctrl-C ends it.", c.User, c.Server)
	}
	r, err := phone.Seat(ctx, phone.SeatOptions{
		Server: c.Server, User: c.User, Password: c.Password, Play: c.Play, AnswerAfter: c.AnswerAfter, For: c.For, Record: c.Record, TLS: check, Log: quietLog(),
	})
	if err != nil {
		return err
	}
	if c.JSON {
		return t.printJSON(r)
	}
	fmt.Fprintf(t.out, "%s answered %d calls and missed %d; %d packets sent, %d received, %d lost, jitter %.1f ms, score %.1f\n",
		r.User, r.Answered, r.Missed, r.Sent, r.Received, r.Lost, r.JitterMS, r.Score)
	return nil
}
