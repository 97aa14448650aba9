//go:build ignore

// make_music writes the music for queues and hold, and the soft tone for a
// moment without an agent, into the folder that it is given. Everything is
// computed: nobody's work is copied. Both are seamless loops, since the end of
// each sound is laid over the beginning.
package main

import (
	"encoding/binary"
	"log"
	"math"
	"os"
	"path/filepath"
)

const rate = 8000

// loop is a piece whose end meets its beginning.
type loop []float64

// note adds a soft bell: a sine with a little of its octave, from second at.
func (l loop) note(at, hz, level, decay float64) {
	first := int(at * rate)
	for i := range int(math.Min(float64(len(l)), decay*6*rate)) {
		t := float64(i) / rate
		attack := math.Min(1, t/0.02)
		fade := math.Exp(-t / decay)
		v := math.Sin(2*math.Pi*hz*t) + 0.25*math.Sin(4*math.Pi*hz*t)*math.Exp(-t/(decay/2))
		l[(first+i)%len(l)] += level * attack * fade * v
	}
}

// pad adds a long tone that swells and goes within its time.
func (l loop) pad(at, seconds, hz, level float64) {
	first := int(at * rate)
	for i := range int(seconds * rate) {
		t := float64(i) / rate
		swell := math.Pow(math.Sin(math.Pi*t/seconds), 2)
		v := math.Sin(2*math.Pi*hz*t) + 0.5*math.Sin(2*math.Pi*hz*1.003*t)
		l[(first+i)%len(l)] += level * swell * v
	}
}

// write scales the piece to an RMS level and writes a 16-bit mono WAV file.
func (l loop) write(name string, dBFS float64) {
	var sum, peak float64
	for _, v := range l {
		sum += v * v
		peak = math.Max(peak, math.Abs(v))
	}
	// The RMS of a full-scale sine is -3.01 dBFS; sox counts the same way.
	gain := math.Pow(10, dBFS/20) / math.Sqrt(sum/float64(len(l)))
	if peak*gain > 0.7 {
		log.Fatalf("%s: the peak is %.2f of full scale at %.1f dBFS; make it less spiky", name, peak*gain, dBFS)
	}
	data := []byte("RIFF____WAVEfmt ")
	data = binary.LittleEndian.AppendUint32(data, 16)
	for _, v := range []uint16{1, 1} { // PCM, mono
		data = binary.LittleEndian.AppendUint16(data, v)
	}
	data = binary.LittleEndian.AppendUint32(data, rate)
	data = binary.LittleEndian.AppendUint32(data, rate*2)
	for _, v := range []uint16{2, 16} { // octets per frame, bits
		data = binary.LittleEndian.AppendUint16(data, v)
	}
	data = append(data, "data"...)
	data = binary.LittleEndian.AppendUint32(data, uint32(len(l)*2))
	for _, v := range l {
		data = binary.LittleEndian.AppendUint16(data, uint16(int16(math.Round(v*gain*32767))))
	}
	binary.LittleEndian.PutUint32(data[4:], uint32(len(data)-8))
	if err := os.WriteFile(name, data, 0o644); err != nil {
		log.Fatal(err)
	}
}

// hz is the frequency of a key of the piano, 69 being the A of 440 Hz.
func hz(key int) float64 { return 440 * math.Pow(2, float64(key-69)/12) }

// music is eight bars of four seconds: calm broken chords in D major.
func music() loop {
	const bar = 4.0
	chords := [][]int{
		{50, 57, 62, 66, 69}, // D
		{47, 54, 62, 66, 71}, // Bm
		{43, 55, 62, 67, 71}, // G
		{45, 57, 61, 64, 69}, // A
		{50, 57, 62, 66, 74}, // D, higher
		{54, 57, 61, 66, 69}, // F#m
		{43, 55, 59, 62, 67}, // G
		{45, 57, 62, 64, 69}, // Asus4
	}
	pattern := []int{1, 2, 3, 4, 3, 2, 4, 3}
	l := make(loop, int(bar*rate)*len(chords))
	for i, chord := range chords {
		at := float64(i) * bar
		for _, k := range chord[:3] {
			l.pad(at-0.5+bar*float64(len(chords)), bar+1, hz(k), 0.22)
		}
		for j, p := range pattern {
			l.note(at+float64(j)*bar/8, hz(chord[p]), 0.35, 0.7)
		}
	}
	return l
}

// reconnect is a quiet double tone every three seconds: somebody will be back.
func reconnect() loop {
	l := make(loop, 3*rate)
	l.pad(0.1, 0.9, hz(69), 0.5)
	l.pad(0.7, 1.1, hz(74), 0.4)
	return l
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: go run make_music.go FOLDER")
	}
	music().write(filepath.Join(os.Args[1], "music.wav"), -20)
	reconnect().write(filepath.Join(os.Args[1], "reconnect.wav"), -26)
}
