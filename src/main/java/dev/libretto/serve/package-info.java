/** The HTTP server: an API that clients of OpenAI's completions know, and a page. */
package dev.libretto.serve;
