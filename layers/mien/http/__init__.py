"""The wire: routes, request reading, response bodies, errors as statuses. Powertools' event handler lives here."""
