"""One folder a CRM; see README.md. The connector discovers them."""
