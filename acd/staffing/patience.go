package staffing

import (
	"math"
	"time"
)

// erlangA is the queue M/M/n+M (Palm): exponential patience with mean
// 1/theta. Its states are the contacts in the house; their probabilities are
// summed outwards from the likeliest, so that nothing overflows.
func erlangA(l Load, n int, target time.Duration) Result {
	lambda := l.PerHour / 3600
	if lambda <= 0 || l.Handle <= 0 {
		return Result{Agents: n, ServiceLevel: 1}
	}
	mu, theta := 1/l.Handle.Seconds(), 1/l.Patience.Seconds()
	p, first := stationary(lambda, mu, theta, n)
	w := waiting{alpha: float64(n) * mu / theta, theta: theta, log: -theta * target.Seconds()}
	var r Result
	var busy, queue, served, waitServed float64
	r.Agents = n
	for i, pk := range p {
		k := first + i
		busy += pk * float64(min(k, n))
		if k < n {
			served += pk
			r.ServiceLevel += pk
			continue
		}
		r.Wait += pk
		queue += pk * float64(k-n)
		answered, inTime, wait := w.at(k - n)
		served += pk * answered
		waitServed += pk * wait
		r.ServiceLevel += pk * inTime
	}
	if n > 0 {
		r.Occupancy = busy / float64(n)
	}
	r.Abandoned = theta * queue / lambda
	if served > 0 {
		r.ASA = duration(waitServed / served)
	}
	return r
}

// negligible ends the sums: what is left cannot be seen in a float64.
const negligible = 1e-18

// stationary returns the probabilities of first, first+1, … contacts.
func stationary(lambda, mu, theta float64, n int) (p []float64, first int) {
	leave := func(k int) float64 { // rate at which k contacts become k-1
		return float64(min(k, n))*mu + float64(max(0, k-n))*theta
	}
	mode := 0 // the likeliest: where leaving overtakes coming
	if float64(n)*mu >= lambda {
		mode = int(lambda / mu)
	} else {
		mode = n + int((lambda-float64(n)*mu)/theta)
	}
	var down, up []float64
	for k, x := mode, 1.0; k > 0; k-- {
		if x *= leave(k) / lambda; x < negligible {
			break
		}
		down = append(down, x)
	}
	for k, x := mode+1, 1.0; ; k++ {
		if x *= lambda / leave(k); x < negligible {
			break
		}
		up = append(up, x)
	}
	first = mode - len(down)
	for i := len(down) - 1; i >= 0; i-- {
		p = append(p, down[i])
	}
	p = append(append(p, 1), up...)
	sum := 0.0
	for _, x := range p {
		sum += x
	}
	for i := range p {
		p[i] /= sum
	}
	return p, first
}

// waiting says what becomes of a contact that finds all agents busy and j
// others waiting. It is next when j+1 have left, at rates n·mu + i·theta; that
// time is -ln(B)/theta for a B of the beta distribution (alpha, j+1), and its
// own patience is as long with probability B. at must be called with 0, 1, 2
// and so on, or begin anywhere and go up.
type waiting struct {
	alpha, theta float64
	log          float64 // ln x, x = exp(-theta·target)

	next int
	tail float64 // I_x(alpha+1, next): the regularised incomplete beta function
	term float64 // ln of what I_x(alpha+1, next+1) has more
	sum  float64 // of 1/(alpha+1+i) below next
}

// at returns the probability to be answered, to be answered in time, and the
// mean wait of the answered times that probability.
func (w *waiting) at(j int) (answered, inTime, wait float64) {
	a := w.alpha + 1
	for ; w.next < j+1; w.next++ {
		b := float64(w.next)
		if w.next == 0 {
			w.tail, w.term = 0, a*w.log // I_x(a, 0) is 0 here; I_x(a, 1) = x^a
		} else {
			// The term of b is x^a (1-x)^b / (b B(a, b)).
			w.term += math.Log(-math.Expm1(w.log)) + math.Log((a+b-1)/b)
		}
		w.tail += math.Exp(w.term)
		w.sum += 1 / (a + b)
	}
	answered = w.alpha / (w.alpha + float64(j) + 1)
	return answered, answered * max(0, 1-w.tail), answered * w.sum / w.theta
}
