"""`gateway doctor`: looks at everything that serving needs, and says in a line each what is well, what isn't, and what to do.

It writes nothing that stays: no database is made, none is migrated, and what a transaction tries is rolled back.
"""
