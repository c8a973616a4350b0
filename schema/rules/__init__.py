"""What holds whatever the door: stages, who may what, what an input may be. No SQL, no GraphQL."""
