package dev.libretto.serve;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.libretto.generate.End;
import dev.libretto.generate.ScoredCharacter;
import dev.libretto.serve.Metrics.Cancellation;
import dev.libretto.text.Vocabulary;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/** The answer to a request to continue texts: at once when all are written, or as server-sent events. */
final class Completion extends Answer {
    /** Characters that may wait for a client; a slower one is cut off. */
    private static final int MAX_UNSENT = 1 << 16;

    private static final String EVENTS = "text/event-stream; charset=utf-8";

    private final CompletionRequest request;
    private final Vocabulary vocabulary;
    private final ObjectNode head;
    private final List<Text> texts = new ArrayList<>();
    /** Guarded by this, as are the new characters of each text. */
    private int unsent;

    private int written;

    private Completion(Exchange exchange, Context context, CompletionRequest request) {
        super(exchange, context, request.isStream() ? EVENTS : Exchange.JSON);
        this.request = request;
        this.vocabulary = context.vocabulary();
        this.head = JsonNodeFactory.instance
                .objectNode()
                .put("id", "cmpl-" + UUID.randomUUID())
                .put("object", "text_completion")
                .put("created", System.currentTimeMillis() / 1000)
                .put("model", context.model())
                .put("seed", request.options().seed());
        for (int[] prompt : request.prompts()) {
            for (int sample = 0; sample < request.samples(); sample++) {
                texts.add(new Text(texts.size(), prompt, sample));
            }
        }
    }

    /** Starts the answer to a request. */
    static void start(Exchange exchange, Fields fields, Context context, Limits limits) throws ApiException {
        CompletionRequest request = CompletionRequest.read(fields, context.vocabulary(), limits);
        exchange.hold(request.heldBytes());
        Completion completion = new Completion(exchange, context, request);
        completion.start(completion.texts);
    }

    /** A text that is written. */
    private final class Text extends Part {
        private final int index;
        private final int[] prompt;
        /** Characters since the last that were taken. */
        private List<ScoredCharacter> fresh = new ArrayList<>();

        private End end;
        private boolean isFinished;
        /** The position of the next character, in code points. */
        private int offset;

        Text(int index, int[] prompt, int sample) {
            super(prompt, sample, request.options());
            this.index = index;
            this.prompt = prompt;
            this.offset = request.echo() ? 0 : prompt.length;
            if (request.echo() && request.top().isEmpty()) {
                addPrompt(prompt.length);
            }
        }

        private void addPrompt(int count) {
            for (int i = 0; i < count; i++) {
                fresh.add(new ScoredCharacter(prompt[i], Float.NaN, List.of()));
            }
        }

        @Override
        public void read(List<ScoredCharacter> characters) {
            synchronized (Completion.this) {
                addPrompt(prompt.length - characters.size());
                fresh.addAll(characters);
            }
        }

        @Override
        public void written(ScoredCharacter character) {
            super.written(character);
            boolean isTooSlow;
            synchronized (Completion.this) {
                fresh.add(character);
                written++;
                unsent++;
                isTooSlow = request.isStream() && unsent > MAX_UNSENT;
            }
            if (isTooSlow) {
                cancel(Cancellation.SLOW_CLIENT);
            } else if (request.isStream()) {
                wake();
            }
        }

        @Override
        public void ended(End reason) {
            synchronized (Completion.this) {
                end = reason;
            }
            super.ended(reason);
        }

        /** Returns what is new as a choice; null if nothing is. Called by one thread at a time. */
        ObjectNode take() {
            List<ScoredCharacter> characters;
            synchronized (Completion.this) {
                boolean hasNewEnd = end != null && !isFinished;
                if (fresh.isEmpty() && !hasNewEnd) {
                    return null;
                }
                characters = fresh;
                fresh = new ArrayList<>();
                isFinished = end != null;
            }
            int[] ids = characters.stream().mapToInt(ScoredCharacter::id).toArray();
            ObjectNode choice =
                    JsonNodeFactory.instance.objectNode().put("index", index).put("text", vocabulary.decode(ids));
            choice.set(
                    "logprobs",
                    request.top().isEmpty()
                            ? null
                            : Logprobs.of(characters, vocabulary, request.top().getAsInt(), offset));
            offset += characters.size();
            return choice.put("finish_reason", !isFinished ? null : end == End.LENGTH ? "length" : "stop");
        }
    }

    @Override
    byte[] next(boolean isLast) {
        if (request.isStream()) {
            return events(isLast).getBytes(StandardCharsets.UTF_8);
        }
        if (!isLast) {
            return new byte[0];
        }
        ObjectNode answer = head.deepCopy();
        ArrayNode choices = answer.putArray("choices");
        texts.forEach(text -> choices.add(text.take()));
        answer.set("usage", usage());
        return JsonBody.write(answer);
    }

    @Override
    byte[] error(ApiException error) {
        if (request.isStream()) {
            return (event(error.toJson()) + done()).getBytes(StandardCharsets.UTF_8);
        }
        setStatus(error.status());
        return JsonBody.write(error.toJson());
    }

    /** Returns what is new as server-sent events. */
    private String events(boolean isLast) {
        StringBuilder events = new StringBuilder();
        synchronized (this) {
            unsent = 0;
        }
        for (Text text : texts) {
            ObjectNode choice = text.take();
            if (choice != null) {
                ObjectNode event = head.deepCopy();
                event.putArray("choices").add(choice);
                if (request.hasUsage()) {
                    event.putNull("usage");
                }
                events.append(event(event));
            }
        }
        if (isLast && request.hasUsage()) {
            ObjectNode event = head.deepCopy();
            event.putArray("choices");
            event.set("usage", usage());
            events.append(event(event));
        }
        return isLast ? events + done() : events.toString();
    }

    private static String event(ObjectNode data) {
        return "data: " + data + "\n\n";
    }

    private static String done() {
        return "data: [DONE]\n\n";
    }

    private synchronized ObjectNode usage() {
        int prompt = request.promptCharacters();
        return JsonNodeFactory.instance
                .objectNode()
                .put("prompt_tokens", prompt)
                .put("completion_tokens", written)
                .put("total_tokens", prompt + written);
    }
}
