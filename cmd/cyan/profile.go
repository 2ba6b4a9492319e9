package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

const defaultAPI = "http://127.0.0.1:8080"

// target is the cloud that a client verb talks to, and who it says it is.
type target struct {
	api, token, profile string
}

// targetFlags adds the flags of verbs that talk to a cloud.
func (c *cli) targetFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&c.target.api, "api", "", "`URL` of the cloud's API (default where you logged in, else "+defaultAPI+")")
	cmd.Flags().StringVar(&c.target.token, "token", "", "access `token` (default what cyan login stored)")
	cmd.Flags().StringVar(&c.target.profile, "profile", "default", "`name` of the login, for several clouds or users")
}

// profile is one login, kept in a file that only its owner can read.
type profile struct {
	API      string    `json:"api"`
	Username string    `json:"username"`
	Token    string    `json:"token"`
	Expires  time.Time `json:"expires,omitzero"` // zero: never
}

// configDir is the program's folder in the user's configuration.
func configDir() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fail(exitFailed, "no configuration folder: "+err.Error(), "set XDG_CONFIG_HOME or HOME")
	}
	return filepath.Join(dir, "cyan"), nil
}

func profilePath(name string) (string, error) {
	if name == "" || strings.ContainsAny(name, `/\:`) || strings.HasPrefix(name, ".") {
		return "", misuse(fmt.Sprintf("%q is no name for a profile", name))
	}
	dir, err := configDir()
	return filepath.Join(dir, "profiles", name+".json"), err
}

// loadProfile reads a login; its zero value when there is none.
func loadProfile(name string) (profile, error) {
	path, err := profilePath(name)
	if err != nil {
		return profile{}, err
	}
	return readProfile(path)
}

func readProfile(path string) (p profile, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return profile{}, nil
	} else if err != nil {
		return profile{}, err
	}
	if err := json.Unmarshal(text, &p); err != nil {
		return profile{}, fail(exitFailed, path+" is damaged: "+err.Error(), "delete it and log in again")
	}
	return p, nil
}

func (p profile) save(path string) error {
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	return writePrivate(path, append(text, '\n'))
}

// writePrivate replaces a file, whole or not at all, readable by its owner
// alone.
func writePrivate(path string, data []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".new-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// aim finds out which cloud is meant and with which token. A stored token is
// only for the cloud that gave it.
func (c *cli) aim() (api, token string, err error) {
	stored, err := loadProfile(c.target.profile)
	if err != nil {
		return "", "", err
	}
	api, token = strings.TrimRight(c.target.api, "/"), c.target.token
	if api == "" {
		api = stored.API
	}
	if api == "" {
		api = defaultAPI
	}
	if !strings.HasPrefix(api, "http://") && !strings.HasPrefix(api, "https://") {
		return "", "", misuse(fmt.Sprintf("--api %s is no URL", api), "such as "+defaultAPI)
	}
	if token == "" && stored.API == api {
		token = stored.Token
	}
	return api, token, nil
}
