// Package golden plays the 31st of May: new connections fail for two hours,
// those who are connected go on, the cloud is bounced in the middle of it, and
// at the end one device in twenty is in limbo. Cloud, watchtower, devices and
// people are processes of their own.
//
//	go test ./test/watch/golden     a small one: the fault, the page, the end
//	make golden                     the whole one, and docs/golden.md
//	make golden WITHOUT=canaries    with the watchtower's canaries taken away: points have to fail
//
// Each point of docs/promises.md that the play shows is asserted while it
// happens; of the others the table says which test proves them.
package golden
