//go:build !linux

package attack

func beNice() {}
