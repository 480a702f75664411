-- KEYS any key of the user, so that a cluster asks the node that will validate the session
-- returns Unix seconds
return (now())
