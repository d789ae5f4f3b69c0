package dev.libretto.device;

import java.util.UUID;

/**
 * What a worker knows of the session that computes on it.
 *
 * @param session differs for each session, as a chief may open the next one before the last is closed
 */
record Claim(HostAddress chief, UUID session) {
    static Claim of(HostAddress chief) {
        return new Claim(chief, UUID.randomUUID());
    }

    /** Undoes {@link #toString}. */
    static Claim parse(String text) {
        String[] words = text.split(" ");
        return new Claim(HostAddress.parse(words[0]), UUID.fromString(words[1]));
    }

    @Override
    public String toString() {
        return chief + " " + session;
    }
}
