package canary

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/cyan-cloud/cyan/client"
	"github.com/cyan-cloud/cyan/watch/signal"
)

// lifetime is of the tokens that Login gets, should one not be revoked.
const lifetime = time.Minute

// login is a person who logs in and out again.
func (t *trial) login(ctx context.Context) {
	var person *client.Client
	t.walk(ctx,
		step{signal.StepLogin, func(ctx context.Context) error {
			got, err := t.cfg.client("").Grant(ctx, client.Grant{Username: t.cfg.Username, Password: t.cfg.Password, ExpiresIn: lifetime})
			if err != nil {
				return err
			}
			person = t.cfg.client(got.AccessToken)
			who, err := person.User(ctx)
			if err == nil && who.Username != t.cfg.Username {
				err = wrong("the new token is %s's", who.Username)
			}
			return err
		}},
		step{signal.StepRevoke, func(ctx context.Context) error {
			if err := person.Logout(ctx); err != nil {
				return err
			}
			return refused(ctx, person)
		}},
	)
}

// refused checks that a token is good for nothing any more.
func refused(ctx context.Context, person *client.Client) error {
	_, err := person.User(ctx)
	if e, ok := errors.AsType[*client.Error](err); ok && e.Status == http.StatusUnauthorized {
		return nil
	}
	if err == nil {
		return wrong("a token that was revoked is still good")
	}
	return err
}
