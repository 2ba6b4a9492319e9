package main

import (
	"context"
	"crypto/rand"
	"os"
	"path/filepath"

	"github.com/cyan-cloud/cyan/client"
)

// canaryPerson is the account that does nothing but log in and out.
const canaryPerson = "canary@localhost"

// loginPassword is the file of its password, below the watchtower's folder.
func loginPassword(data string) string { return filepath.Join(data, "login.password") }

// hirePerson makes an account that only logs in, with a random password that
// stands in a file which only this user can read.
func hirePerson(ctx context.Context, admin *client.Client, username, path string) error {
	password := rand.Text()
	// First the file: a password that is nowhere is an account that nobody can use.
	if err := writePrivate(path, []byte(password+"\n")); err != nil {
		return err
	}
	if err := admin.SignUp(ctx, username, password); err != nil {
		_ = os.Remove(path)
		return err
	}
	return nil
}

func readable(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
