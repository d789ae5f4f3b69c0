package dev.libretto.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.libretto.generate.ContinuousDecoder.Handle;
import dev.libretto.generate.ContinuousDecoder.Limits;
import dev.libretto.model.CellType;
import dev.libretto.model.ModelConfig;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.commons.lang3.ArrayUtils;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How texts share a batch, with a made-up model. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class ContinuousDecoderTest {
    private static final ModelConfig CONFIG = new ModelConfig(CellType.RNN, 7, 1, 1);
    private static final ModelConfig DOCUMENTS = new ModelConfig(CellType.RNN, 7, 1, 1, 0, false, true);
    private static final Limits LIMITS = new Limits(8, 100, 1 << 20);
    private static final RandomSampler DRAWN = Sampler.temperature(1);

    /** Its state is a hash of the whole text, so a wrong state writes another text. Each call can be made to wait or to throw. */
    private static class Hashing implements TextModel {
        private final ModelConfig config;
        private final Semaphore arrived = new Semaphore(0);
        private final Semaphore permitted = new Semaphore(0);
        private final List<String> calls = Collections.synchronizedList(new ArrayList<>());
        private volatile boolean isGated;
        private volatile Throwable fault;
        private volatile Error zeroStateFault;
        private volatile long time;

        Hashing(ModelConfig config) {
            this.config = config;
        }

        @Override
        public ModelConfig config() {
            return config;
        }

        @Override
        public List<float[]> zeroState(int rows) {
            if (zeroStateFault != null) {
                throw zeroStateFault;
            }
            return TextModel.super.zeroState(rows);
        }

        @Override
        public Step step(int[] ids, List<float[]> state) {
            call("step", 10);
            return compute(ids, state);
        }

        @Override
        public List<float[]> read(int[][] ids, List<float[]> state) {
            call("read", 100);
            List<float[]> current = state;
            for (int[] timeStep : ids) {
                current = compute(timeStep, current).state();
            }
            return current;
        }

        private void call(String name, long duration) {
            calls.add(name);
            time += duration;
            if (isGated) {
                arrived.release();
                permitted.acquireUninterruptibly();
            }
            if (fault instanceof RuntimeException e) {
                throw e;
            }
            if (fault instanceof Error e) {
                throw e;
            }
        }

        private Step compute(int[] ids, List<float[]> state) {
            int v = config.vocabularySize();
            float[] next = new float[ids.length];
            float[] logits = new float[ids.length * v];
            for (int row = 0; row < ids.length; row++) {
                // Small enough for a float to hold.
                int hash = ((int) (state.get(0)[row] * 65_521) * 31 + ids[row] + 1) % 65_521;
                next[row] = hash / 65_521f;
                for (int id = 0; id < v; id++) {
                    logits[row * v + id] = (hash * (id + 7) % 101) / 40f;
                }
            }
            return new Step(logits, List.of(next));
        }

        void gate() {
            isGated = true;
        }

        /** Waits until the model is called. */
        void await() {
            arrived.acquireUninterruptibly();
        }

        /** Ends a call, and waits for the next. */
        void next() {
            permitted.release();
            await();
        }

        /** Ends the current call and lets all others pass. */
        void open() {
            isGated = false;
            permitted.release();
        }

        long count(String name) {
            return calls.stream().filter(name::equals).count();
        }

        @Override
        public void close() {}
    }

    /** What a listener received. */
    static class Received implements ContinuousDecoder.Listener {
        final List<ScoredCharacter> prefix = new ArrayList<>();
        final List<ScoredCharacter> text = Collections.synchronizedList(new ArrayList<>());
        final CompletableFuture<End> end = new CompletableFuture<>();

        @Override
        public void read(List<ScoredCharacter> characters) {
            assertThat(text).isEmpty();
            assertThat(prefix).isEmpty();
            prefix.addAll(characters);
        }

        @Override
        public void written(ScoredCharacter character) {
            assertThat(end).isNotDone();
            text.add(character);
        }

        @Override
        public void ended(End why) {
            assertThat(end.complete(why)).isTrue();
        }

        @Override
        public void failed(RuntimeException cause) {
            assertThat(end.completeExceptionally(cause)).isTrue();
        }

        End end() {
            return end.join();
        }

        int[] ids() {
            return text.stream().mapToInt(ScoredCharacter::id).toArray();
        }
    }

    record Request(int[] prefix, int sample, Decoder.Options options) {
        static Request random(Random random, ModelConfig config) {
            int v = config.vocabularySize() - (config.endSymbol() ? 1 : 0);
            int shortest = config.endSymbol() ? 0 : 1;
            int length = random.nextInt(4) == 0 ? random.nextInt(400) : random.nextInt(6);
            int[] prefix = random.ints(Math.max(shortest, length), 0, v).toArray();
            Sampler chooser = random.nextBoolean() ? Sampler.GREEDY : DRAWN.withTopK(1 + random.nextInt(7));
            Sampler sampler = random.nextInt(3) > 0
                    ? chooser
                    : chooser.adjusted().withRepeatPenalty(1.3, 5).withNoRepeat(4);
            List<int[]> stop = Stream.generate(
                            () -> random.ints(1 + random.nextInt(3), 0, v).toArray())
                    .limit(random.nextInt(3))
                    .toList();
            Decoder.Scoring scoring = new Decoder.Scoring(
                    random.nextInt(4) == 0, random.nextBoolean(), random.nextInt(4) == 0 ? random.nextInt(4) : 0);
            return new Request(
                    prefix,
                    random.nextInt(3),
                    new Decoder.Options(random.nextInt(100), sampler, random.nextInt(3), stop, scoring));
        }

        Received submit(ContinuousDecoder decoder) {
            Received received = new Received();
            decoder.submit(prefix, sample, options, received);
            return received;
        }
    }

    private static Request greedy(int length, int... prefix) {
        return new Request(prefix, 0, Decoder.Options.greedy(length));
    }

    private static Request drawn(int length, int... prefix) {
        return new Request(prefix, 0, new Decoder.Options(length, DRAWN, 1, List.of(), Decoder.Scoring.NONE));
    }

    private static void assertSameAsDecoder(TextModel model, Request request, Received received) {
        List<ScoredCharacter> prefix = new ArrayList<>();
        List<ScoredCharacter> text = new ArrayList<>();
        new Decoder(model)
                .write(List.of(request.prefix()), request.sample() + 1, request.options(), new Decoder.Listener() {
                    @Override
                    public void read(int number, List<ScoredCharacter> characters) {
                        prefix.addAll(characters);
                    }

                    @Override
                    public void written(int row, ScoredCharacter character) {
                        if (row == request.sample()) {
                            text.add(character);
                        }
                    }
                });
        assertThat(received.text).isEqualTo(text);
        assertThat(received.prefix).isEqualTo(prefix);
    }

    @Test
    void textsAreThoseOfDecoder() {
        for (ModelConfig config : List.of(CONFIG, DOCUMENTS)) {
            for (long stateBytes : new long[] {0, 5_000, 1 << 20}) {
                Random random = new Random(stateBytes);
                Hashing model = new Hashing(config);
                List<Request> requests = Stream.generate(() -> Request.random(random, config))
                        .limit(300)
                        .toList();
                List<Received> all = new ArrayList<>();
                try (ContinuousDecoder decoder = new ContinuousDecoder(model, new Limits(8, 1000, stateBytes))) {
                    for (Request request : requests) {
                        Received received = new Received();
                        Handle handle = decoder.submit(request.prefix(), request.sample(), request.options(), received);
                        all.add(received);
                        if (random.nextInt(10) == 0) {
                            handle.cancel();
                            all.set(all.size() - 1, null);
                        }
                        Received earlier = all.get(random.nextInt(all.size()));
                        if (earlier != null && random.nextInt(10) == 0) {
                            earlier.end();
                        }
                    }
                    for (int i = 0; i < requests.size(); i++) {
                        if (all.get(i) != null) {
                            all.get(i).end();
                            assertSameAsDecoder(new Hashing(config), requests.get(i), all.get(i));
                        }
                    }
                }
            }
        }
    }

    @Test
    void threadsSubmitAndCancelAtOnce() {
        Hashing model = new Hashing(CONFIG);
        try (ContinuousDecoder decoder = new ContinuousDecoder(model, new Limits(8, 1000, 5_000))) {
            IntStream.range(0, 4).parallel().forEach(thread -> {
                Random random = new Random(thread);
                for (int i = 0; i < 200; i++) {
                    Request request = Request.random(random, CONFIG);
                    Received received = new Received();
                    Handle handle = decoder.submit(request.prefix(), request.sample(), request.options(), received);
                    if (random.nextBoolean()) {
                        received.end();
                        assertSameAsDecoder(new Hashing(CONFIG), request, received);
                    } else {
                        while (random.nextInt(100) > 0) {
                            Thread.onSpinWait();
                        }
                        handle.cancel();
                    }
                }
            });
            while (decoder.counts().rows() > 0) {
                Thread.onSpinWait();
            }
            assertThat(decoder.counts().waiting()).isZero();
        }
    }

    @Test
    void textJoinsAtNextStepAndLeavesWhenItEnds() {
        Hashing model = new Hashing(CONFIG);
        try (ContinuousDecoder decoder = new ContinuousDecoder(model, LIMITS)) {
            model.gate();
            drawn(5, 1).submit(decoder);
            model.await();
            Received second = drawn(2, 2).submit(decoder);
            assertThat(decoder.counts().waiting()).isEqualTo(1);
            List<Long> rows = new ArrayList<>();
            for (int step = 0; step < 4; step++) {
                long before = decoder.counts().stepRows();
                model.next();
                rows.add(decoder.counts().stepRows() - before);
            }
            assertThat(rows).containsExactly(1L, 2L, 2L, 1L);
            assertThat(second.end).isCompletedWithValue(End.LENGTH);
            assertThat(decoder.counts().rows()).isEqualTo(1);
            model.open();
        }
    }

    @Test
    void cancelledTextLeavesAtNextStep() {
        Hashing model = new Hashing(CONFIG);
        try (ContinuousDecoder decoder = new ContinuousDecoder(model, LIMITS)) {
            model.gate();
            Request request = drawn(50, 1, 2);
            Received first = request.submit(decoder);
            Received second = new Received();
            Handle handle = decoder.submit(new int[] {3}, 0, request.options(), second);
            model.await();
            for (int step = 0; step < 5; step++) {
                model.next();
            }
            int written = second.text.size();
            handle.cancel();
            handle.cancel();
            model.next();
            assertThat(decoder.counts().rows()).isEqualTo(1);
            model.open();
            first.end();
            assertSameAsDecoder(new Hashing(CONFIG), request, first);
            assertThat(second.text).hasSize(written);
            assertThat(second.end).isNotDone();
        }
    }

    /** The text that takes its place is not affected by it. */
    @Test
    void cancelledReadingLeavesAtNextStep() {
        Hashing model = new Hashing(CONFIG);
        try (ContinuousDecoder decoder = new ContinuousDecoder(model, new Limits(1, 9, 1 << 20))) {
            model.gate();
            int[] prefix = new Random(1).ints(10_000, 0, 7).toArray();
            Received first = new Received();
            Handle handle = decoder.submit(prefix, 0, Decoder.Options.greedy(3), first);
            Request second = greedy(3, 5);
            Received next = second.submit(decoder);
            model.await();
            model.next();
            handle.cancel();
            model.next();
            model.open();
            next.end();
            assertSameAsDecoder(new Hashing(CONFIG), second, next);
            assertThat(first.text).isEmpty();
            assertThat(first.end).isNotDone();
            assertThat(model.count("read")).isLessThan(5);
        }
    }

    @Test
    void textIsCancelledByItsOwnListener() {
        Hashing model = new Hashing(CONFIG);
        try (ContinuousDecoder decoder = new ContinuousDecoder(model, LIMITS)) {
            CompletableFuture<Handle> handle = new CompletableFuture<>();
            Received received = new Received() {
                @Override
                public void written(ScoredCharacter character) {
                    super.written(character);
                    handle.join().cancel();
                }
            };
            handle.complete(decoder.submit(new int[] {1}, 0, drawn(50).options(), received));
            greedy(60, 2).submit(decoder).end();
            assertThat(received.text).hasSize(1);
            assertThat(received.end).isNotDone();
        }
    }

    @Test
    void textIsRefusedWhenQueueIsFull() {
        Hashing model = new Hashing(CONFIG);
        try (ContinuousDecoder decoder = new ContinuousDecoder(model, new Limits(2, 3, 1 << 20))) {
            model.gate();
            // Two have a row, before or at the next step, and three wait.
            List<Received> received = new ArrayList<>();
            List<Handle> handles = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                received.add(new Received());
                handles.add(decoder.submit(new int[] {i}, 0, drawn(5).options(), received.get(i)));
            }
            model.await();
            assertThatThrownBy(() -> drawn(5, 1).submit(decoder))
                    .isInstanceOf(QueueFullException.class)
                    .hasMessageEndingWith("texts are waiting already; try again later");
            handles.get(4).cancel();
            Received last = drawn(5, 6).submit(decoder);
            model.open();
            for (Received each : List.of(received.get(0), received.get(1), received.get(2), received.get(3), last)) {
                assertThat(each.end()).isEqualTo(End.LENGTH);
            }
            assertThat(received.get(4).text).isEmpty();
        }
    }

    /** By the model's own clock, on which a step takes 10 and reading many characters takes 100. */
    @Test
    void readingGetsHalfOfTheTimeWhileOthersWrite() {
        Hashing model = new Hashing(CONFIG);
        LongSupplier clock = () -> model.time;
        try (ContinuousDecoder decoder = new ContinuousDecoder(model, LIMITS, failure -> {}, clock)) {
            model.gate();
            drawn(10_000, 1).submit(decoder);
            model.await();
            model.calls.clear();
            greedy(1, new Random(1).ints(10_000, 0, 7).toArray()).submit(decoder);
            for (int call = 0; call < 110; call++) {
                model.next();
            }
            assertThat(model.count("read")).isEqualTo(10);
            assertThat(String.join(" ", model.calls)).doesNotContain("read read");
            model.open();
        }
    }

    @Test
    void samplesShareOneReading() {
        Hashing model = new Hashing(CONFIG);
        int[] prefix = new Random(1).ints(1000, 0, 7).toArray();
        for (Decoder.Scoring scoring : List.of(Decoder.Scoring.NONE, new Decoder.Scoring(true, true, 2))) {
            try (ContinuousDecoder decoder = new ContinuousDecoder(model, new Limits(8, 9, 0))) {
                model.gate();
                Decoder.Options options = new Decoder.Options(20, DRAWN, 1, List.of(), scoring);
                Received other = drawn(1, 1).submit(decoder);
                model.await();
                List<Request> requests = IntStream.range(0, 4)
                        .mapToObj(sample -> new Request(prefix, sample, options))
                        .toList();
                List<Received> samples = requests.stream()
                        .map(request -> request.submit(decoder))
                        .toList();
                model.open();
                other.end();
                for (int i = 0; i < 4; i++) {
                    samples.get(i).end();
                    assertSameAsDecoder(new Hashing(CONFIG), requests.get(i), samples.get(i));
                }
                assertThat(decoder.counts().read()).isEqualTo(999);
            }
        }
    }

    /** A copy for each would not fit into Java's memory. */
    @Test
    void textsThatWaitShareTheirPrefix() {
        int[] prefix = new int[1 << 22];
        int samples = 1 + (int) (Runtime.getRuntime().maxMemory() / Integer.BYTES / prefix.length);
        Sampler lookingBack = DRAWN.adjusted().withNoRepeat(2);
        Decoder.Options options = new Decoder.Options(1, lookingBack, 1, List.of(), Decoder.Scoring.NONE);
        Hashing model = new Hashing(DOCUMENTS);
        try (ContinuousDecoder decoder = new ContinuousDecoder(model, new Limits(1, samples, 0))) {
            model.gate();
            drawn(1, 1).submit(decoder);
            model.await();
            try {
                for (int sample = 0; sample < samples; sample++) {
                    decoder.submit(prefix, sample, options, new Received());
                }
                assertThat(decoder.counts().waiting()).isEqualTo(samples);
            } finally {
                model.open();
            }
        }
    }

    /** The prefixes differ in their last character only, which the model has not read when it has read the prefix. */
    @Test
    void scoredPrefixesAreNotConfused() {
        Hashing model = new Hashing(CONFIG);
        try (ContinuousDecoder decoder = new ContinuousDecoder(model, LIMITS)) {
            model.gate();
            drawn(1, 1).submit(decoder);
            model.await();
            Decoder.Options options = new Decoder.Options(3, DRAWN, 1, List.of(), new Decoder.Scoring(true, true, 0));
            List<Request> requests =
                    List.of(new Request(new int[] {1, 2, 3}, 0, options), new Request(new int[] {1, 2, 4}, 0, options));
            List<Received> received =
                    requests.stream().map(request -> request.submit(decoder)).toList();
            model.open();
            for (int i = 0; i < 2; i++) {
                received.get(i).end();
                assertSameAsDecoder(new Hashing(CONFIG), requests.get(i), received.get(i));
            }
        }
    }

    @Test
    void continuedTextIsNotReadAgain() {
        for (Request first : List.of(greedy(100, random(500)), drawn(100, random(500)))) {
            Hashing model = new Hashing(CONFIG);
            try (ContinuousDecoder decoder = new ContinuousDecoder(model, LIMITS)) {
                Received written = first.submit(decoder);
                written.end();
                assertThat(decoder.counts().read()).isEqualTo(499);
                int[] whole = ArrayUtils.addAll(first.prefix(), written.ids());
                Request next = new Request(ArrayUtils.addAll(whole, 1, 2, 3), 1, first.options());
                Received more = next.submit(decoder);
                more.end();
                assertSameAsDecoder(new Hashing(CONFIG), next, more);
                assertThat(decoder.counts().hits()).isEqualTo(1);
                assertThat(decoder.counts().misses()).isEqualTo(1);
                // The three, and the last one before them, which was written but not read.
                assertThat(decoder.counts().read()).isEqualTo(499 + 3);
            }
        }
    }

    @Test
    void cancelledTextIsContinuedFromWhereItWas() {
        Hashing model = new Hashing(CONFIG);
        try (ContinuousDecoder decoder = new ContinuousDecoder(model, LIMITS)) {
            model.gate();
            Received received = new Received();
            Handle handle = decoder.submit(new int[] {1, 2}, 0, drawn(1000).options(), received);
            model.await();
            for (int step = 0; step < 100; step++) {
                model.next();
            }
            handle.cancel();
            model.open();
            greedy(1, 5).submit(decoder).end();
            long read = decoder.counts().read();
            Request next = drawn(10, ArrayUtils.addAll(new int[] {1, 2}, received.ids()));
            Received more = next.submit(decoder);
            more.end();
            assertSameAsDecoder(new Hashing(CONFIG), next, more);
            assertThat(decoder.counts().read() - read).isLessThan(2);
        }
    }

    private static int[] random(int length) {
        return new Random(length).ints(length, 0, 7).toArray();
    }

    @Test
    void textsEndForTheirReasons() {
        Hashing model = new Hashing(DOCUMENTS);
        Sampler recited = (logits, text, uniform) -> 1 + text.length() % 3;
        Sampler end = (logits, text, uniform) -> 6;
        float[] none = new float[7];
        Arrays.fill(none, Float.NEGATIVE_INFINITY);
        Decoder.Scoring scored = new Decoder.Scoring(true, false, 0);
        List<int[]> stop = List.of(new int[] {2});
        try (ContinuousDecoder decoder = new ContinuousDecoder(model, LIMITS)) {
            assertThat(end(decoder, new Decoder.Options(3, recited, 1, stop, Decoder.Scoring.NONE)))
                    .isEqualTo(End.LENGTH);
            assertThat(end(decoder, new Decoder.Options(3, recited, 1, List.of(new int[] {1, 1}), scored)))
                    .isEqualTo(End.STOP);
            assertThat(end(decoder, new Decoder.Options(3, end, 1, stop, scored)))
                    .isEqualTo(End.DOCUMENT_END);
            assertThat(end(decoder, new Decoder.Options(3, DRAWN.adjusted().withBias(none), 1, stop, scored)))
                    .isEqualTo(End.NO_CHARACTER);
            assertThat(end(decoder, new Decoder.Options(0, DRAWN, 1, stop, scored)))
                    .isEqualTo(End.LENGTH);
            assertThat(end(decoder, new Decoder.Options(0, DRAWN, 1, stop, Decoder.Scoring.NONE)))
                    .isEqualTo(End.LENGTH);
        }
    }

    private static End end(ContinuousDecoder decoder, Decoder.Options options) {
        return new Request(new int[] {3, 4}, 0, options).submit(decoder).end();
    }

    @Test
    void failingModelFailsItsTextsOnly() {
        for (Throwable fault : List.of(new IllegalStateException("made up"), new OutOfMemoryError("made up"))) {
            for (Request request : List.of(drawn(20, 1, 2), greedy(20, 3), drawn(20, random(200)))) {
                Hashing model = new Hashing(CONFIG);
                try (ContinuousDecoder decoder = new ContinuousDecoder(model, new Limits(1, 9, 1 << 20))) {
                    model.gate();
                    Received failed = request.submit(decoder);
                    Received waiting = request.submit(decoder);
                    model.await();
                    model.fault = fault;
                    model.next();
                    model.fault = null;
                    model.open();
                    assertThat(waiting.end()).isEqualTo(End.LENGTH);
                    assertSameAsDecoder(new Hashing(CONFIG), request, waiting);
                    assertThat(failed.end).isCompletedExceptionally();
                    assertThatThrownBy(failed::end).hasMessageContaining("made up");
                    assertThat(decoder.counts().rows()).isZero();
                }
            }
        }
    }

    /** An error may leave the model in any state, so nothing is computed after it. */
    @Test
    void errorOfTheModelFailsAllTextsAndThoseThatFollow() {
        for (Error error : List.of(new AssertionError("made up"), new StackOverflowError("made up"))) {
            Hashing model = new Hashing(CONFIG);
            List<ModelFailedException> failures = new ArrayList<>();
            try (ContinuousDecoder decoder = new ContinuousDecoder(model, new Limits(1, 9, 1 << 20), failures::add)) {
                model.gate();
                Received active = drawn(20, 1).submit(decoder);
                Received waiting = drawn(20, 2).submit(decoder);
                model.await();
                assertThat(decoder.modelFailure()).isEmpty();
                model.fault = error;
                model.open();
                for (Received each : List.of(active, waiting)) {
                    assertThatThrownBy(each::end).hasCauseInstanceOf(ModelFailedException.class);
                }
                assertThat(failures).hasSize(1);
                assertThat(decoder.modelFailure()).hasValue(failures.get(0));
                assertThat(failures.get(0))
                        .hasMessage("the model failed: " + error)
                        .hasCause(error);
                model.fault = null;
                assertThatThrownBy(() -> drawn(20, 1).submit(decoder)).isInstanceOf(ModelFailedException.class);
                assertThat(decoder.counts().rows()).isZero();
            }
            assertThat(failures).hasSize(1);
        }
    }

    /** Before the model is called at all. */
    @Test
    void decoderSurvivesAFailureToBegin() {
        Hashing model = new Hashing(CONFIG);
        try (ContinuousDecoder decoder = new ContinuousDecoder(model, LIMITS)) {
            model.zeroStateFault = new OutOfMemoryError("made up");
            assertThatThrownBy(drawn(5, 1).submit(decoder)::end).hasMessageContaining("made up");
            model.zeroStateFault = null;
            assertThat(drawn(5, 1).submit(decoder).end()).isEqualTo(End.LENGTH);
            assertThat(decoder.counts().rows()).isZero();
        }
    }

    @Test
    void throwingListenerOrSamplerFailsItsTextOnly() {
        Hashing model = new Hashing(CONFIG);
        Decoder.Scoring scored = new Decoder.Scoring(true, true, 0);
        Sampler broken = (logits, text, uniform) -> {
            throw new IllegalStateException("broken sampler");
        };
        try (ContinuousDecoder decoder = new ContinuousDecoder(model, LIMITS)) {
            model.gate();
            drawn(1, 1).submit(decoder);
            model.await();
            Request request = drawn(20, 1, 2, 3);
            Received well = request.submit(decoder);
            List<Received> broke = List.of(
                    new Received() {
                        @Override
                        public void written(ScoredCharacter character) {
                            throw new IllegalStateException("broken listener");
                        }
                    },
                    new Received() {
                        @Override
                        public void read(List<ScoredCharacter> characters) {
                            throw new IllegalStateException("broken listener");
                        }
                    },
                    new Received());
            Decoder.Options options = new Decoder.Options(20, DRAWN, 1, List.of(), scored);
            decoder.submit(new int[] {1, 2}, 0, options, broke.get(0));
            decoder.submit(new int[] {1, 2}, 0, options, broke.get(1));
            decoder.submit(
                    new int[] {1, 2},
                    0,
                    new Decoder.Options(20, broken, 1, List.of(), Decoder.Scoring.NONE),
                    broke.get(2));
            model.open();
            well.end();
            assertSameAsDecoder(new Hashing(CONFIG), request, well);
            broke.forEach(each -> assertThatThrownBy(each::end).hasMessageContaining("broken"));
            assertThat(decoder.counts().rows()).isZero();
        }
    }

    @Test
    void listenerWithoutMemoryFailsItsTextOnly() {
        Hashing model = new Hashing(CONFIG);
        try (ContinuousDecoder decoder = new ContinuousDecoder(model, LIMITS)) {
            model.gate();
            drawn(1, 1).submit(decoder);
            model.await();
            Received full = new Received() {
                @Override
                public void written(ScoredCharacter character) {
                    throw new OutOfMemoryError("made up");
                }

                @Override
                public void failed(RuntimeException cause) {
                    super.failed(cause);
                    throw new OutOfMemoryError("made up");
                }
            };
            decoder.submit(new int[] {1, 2}, 0, drawn(20).options(), full);
            Request request = drawn(20, 1, 2, 3);
            Received well = request.submit(decoder);
            model.open();
            well.end();
            assertSameAsDecoder(new Hashing(CONFIG), request, well);
            assertThatThrownBy(full::end).hasMessageContaining("made up");
            assertThat(decoder.counts().rows()).isZero();
        }
    }

    /** A request keeps the handles of all its texts until the last of them has ended. */
    @Test
    void handleOfAnEndedTextKeepsNoState() {
        List<WeakReference<float[]>> arrays = Collections.synchronizedList(new ArrayList<>());
        Hashing model = new Hashing(CONFIG) {
            @Override
            public Step step(int[] ids, List<float[]> state) {
                Step step = super.step(ids, state);
                arrays.add(new WeakReference<>(step.state().get(0)));
                return step;
            }
        };
        List<Handle> handles = new ArrayList<>();
        try (ContinuousDecoder decoder = new ContinuousDecoder(model, new Limits(8, 100, 0))) {
            for (Decoder.Options options : List.of(Decoder.Options.greedy(5), drawn(5).options())) {
                Received received = new Received();
                handles.add(decoder.submit(new int[] {1}, 0, options, received));
                received.end();
            }
        }
        assertThat(arrays).isNotEmpty();
        for (int i = 0; i < 100 && !arrays.isEmpty(); i++) {
            System.gc();
            arrays.removeIf(each -> each.get() == null);
        }
        assertThat(arrays).isEmpty();
        handles.forEach(Handle::cancel);
    }

    /** Closed by a listener, so it is known what every text has. */
    @Test
    void closingAnswersEveryText() {
        Hashing model = new Hashing(CONFIG);
        ContinuousDecoder decoder = new ContinuousDecoder(model, new Limits(2, 9, 1 << 20));
        Received closing = new Received() {
            @Override
            public void written(ScoredCharacter character) {
                super.written(character);
                decoder.close();
            }
        };
        model.gate();
        List<Received> all = new ArrayList<>(List.of(closing));
        decoder.submit(new int[] {1}, 0, drawn(100).options(), closing);
        model.await();
        for (int i = 0; i < 3; i++) {
            all.add(greedy(1, random(10_000 + i)).submit(decoder));
            all.add(drawn(100, i).submit(decoder));
        }
        model.open();
        all.forEach(each -> assertThatThrownBy(each::end)
                .isInstanceOf(CancellationException.class)
                .hasMessage("the decoder was closed"));
        assertThat(closing.text).hasSize(1);
        decoder.close();
        assertThatThrownBy(() -> drawn(1, 1).submit(decoder))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("the decoder is closed");
    }

    @Test
    void badPrefixIsRefused() {
        try (ContinuousDecoder decoder = new ContinuousDecoder(new Hashing(CONFIG), LIMITS)) {
            assertThatThrownBy(() -> drawn(1).submit(decoder))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("the prefix is empty");
            assertThatThrownBy(() -> drawn(1, 7).submit(decoder))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("the prefix has the id 7, but the model knows 7");
        }
    }
}
