package poll

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// batchSize is how many datagrams one system call fetches or sends at most.
const batchSize = 64

// batch is a set of datagrams for recvmmsg or sendmmsg, all of whose memory
// stays.
type batch struct {
	headers [batchSize]unix.Mmsghdr
	vectors [batchSize]unix.Iovec
	names   [batchSize]unix.RawSockaddrInet6
	buffers [batchSize][MaxDatagram]byte
	at, n   int // of n, those before at are done
}

func newBatch() *batch {
	b := &batch{}
	for i := range b.headers {
		b.vectors[i].Base = &b.buffers[i][0]
		h := &b.headers[i].Hdr
		h.Iov = &b.vectors[i]
		h.SetIovlen(1)
		h.Name = (*byte)(unsafe.Pointer(&b.names[i]))
	}
	return b
}

// receive fetches what has come, at most a batch, and returns how much.
func (b *batch) receive(fd int) (int, error) {
	for i := range b.headers {
		b.vectors[i].SetLen(MaxDatagram)
		b.headers[i].Hdr.Namelen = unix.SizeofSockaddrInet6
	}
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&b.headers[0])), batchSize, unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case 0:
			b.at, b.n = 0, int(n)
			return b.n, nil
		case unix.EINTR:
		default:
			b.at, b.n = 0, 0
			return 0, errno
		}
	}
}

// send sends the n datagrams and empties the batch. One that the kernel
// refuses is lost and the others go on; it returns how many were lost.
func (b *batch) send(fd int) (lost int) {
	for b.at < b.n {
		n, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&b.headers[b.at])), uintptr(b.n-b.at),
			unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
		switch errno {
		case 0:
			b.at += int(n)
		case unix.EINTR:
		default:
			b.at++
			lost++
		}
	}
	b.at, b.n = 0, 0
	return lost
}
