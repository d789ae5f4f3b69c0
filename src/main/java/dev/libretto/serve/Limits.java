package dev.libretto.serve;

import java.time.Duration;

/**
 * What the server accepts.
 *
 * @param rows texts that are continued at once, by each model
 * @param queue texts that wait for a row, for each model
 * @param bodyBytes the size of a request's body
 * @param promptCharacters the length of a prompt
 * @param characters what a request may write in all: {@code max_tokens} × {@code n} × prompts
 * @param answerBytes the memory of all answers that are kept until they are complete and accepted by their clients
 * @param connections open connections
 * @param idle how long a connection may take until its next request has arrived, or a client to accept
 *     256 KiB of what was written
 */
public record Limits(
        int rows,
        int queue,
        int bodyBytes,
        int promptCharacters,
        int characters,
        long answerBytes,
        int connections,
        Duration idle) {}
