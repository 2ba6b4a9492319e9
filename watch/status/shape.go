package status

import "time"

// The shapes of Statuspage's public API, version 2. Clients read them by these
// names, and some by position: nothing is ever renamed or reordered.

// stamp is a time as the API has it: RFC 3339 with milliseconds.
type stamp time.Time

// MarshalText gives a stamp in UTC.
func (s stamp) MarshalText() ([]byte, error) {
	return time.Time(s).UTC().AppendFormat(nil, "2006-01-02T15:04:05.000Z07:00"), nil
}

// maybe is a stamp where there is a time, and null where there is none.
func maybe(t time.Time) *stamp {
	if t.IsZero() {
		return nil
	}
	s := stamp(t)
	return &s
}

type pageShape struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	URL       string `json:"url"`
	TimeZone  string `json:"time_zone"`
	UpdatedAt stamp  `json:"updated_at"`
	// StaleAfter is not Statuspage's: from then on all of it is unknown. A file on
	// a second host cannot say so by itself.
	StaleAfter stamp `json:"stale_after"`
}

type statusShape struct {
	Indicator   string `json:"indicator"`
	Description string `json:"description"`
}

// componentShape is a leaf: only groups have a list of components.
type componentShape struct {
	ID                 string  `json:"id"`
	Name               string  `json:"name"`
	Status             string  `json:"status"`
	CreatedAt          stamp   `json:"created_at"`
	UpdatedAt          stamp   `json:"updated_at"`
	Position           int     `json:"position"`
	Description        *string `json:"description"`
	Showcase           bool    `json:"showcase"`
	StartDate          *string `json:"start_date"`
	GroupID            *string `json:"group_id"`
	PageID             string  `json:"page_id"`
	Group              bool    `json:"group"`
	OnlyShowIfDegraded bool    `json:"only_show_if_degraded"`
}

type incidentShape struct {
	ID                string           `json:"id"`
	Name              string           `json:"name"`
	Status            string           `json:"status"`
	CreatedAt         stamp            `json:"created_at"`
	UpdatedAt         *stamp           `json:"updated_at"`
	MonitoringAt      *stamp           `json:"monitoring_at"`
	ResolvedAt        *stamp           `json:"resolved_at"`
	Impact            string           `json:"impact"`
	Shortlink         string           `json:"shortlink"`
	StartedAt         stamp            `json:"started_at"`
	PageID            string           `json:"page_id"`
	IncidentUpdates   []updateShape    `json:"incident_updates"`
	Components        []componentShape `json:"components"`
	ReminderIntervals *string          `json:"reminder_intervals"`
}

// maintenanceShape is an incident's with two fields more, under a key of its
// own: nobody takes the one for the other.
type maintenanceShape struct {
	incidentShape
	ScheduledFor   stamp `json:"scheduled_for"`
	ScheduledUntil stamp `json:"scheduled_until"`
}

type updateShape struct {
	ID                   string          `json:"id"`
	Status               string          `json:"status"`
	Body                 string          `json:"body"`
	IncidentID           string          `json:"incident_id"`
	CreatedAt            stamp           `json:"created_at"`
	UpdatedAt            stamp           `json:"updated_at"`
	DisplayAt            *stamp          `json:"display_at"`
	AffectedComponents   []affectedShape `json:"affected_components"`
	DeliverNotifications bool            `json:"deliver_notifications"`
	CustomTweet          *string         `json:"custom_tweet"`
	TweetID              *string         `json:"tweet_id"`
}

type affectedShape struct {
	Code      string `json:"code"`
	Name      string `json:"name"`
	OldStatus string `json:"old_status"`
	NewStatus string `json:"new_status"`
}

// answer is a body of the API: the page, and what the path asks for. A list
// that was asked for is there when it is empty, too.
type answer struct {
	Page         pageShape           `json:"page"`
	Components   *[]componentShape   `json:"components,omitempty"`
	Incidents    *[]incidentShape    `json:"incidents,omitempty"`
	Maintenances *[]maintenanceShape `json:"scheduled_maintenances,omitempty"`
	Status       *statusShape        `json:"status,omitempty"`
}
