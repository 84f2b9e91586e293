"""The shapes of the API: the same models validate what comes in and describe it in the OpenAPI document."""
