;; The inner loops of a convolution, in WebAssembly's text format: for four pixels side by side and
;; four maps, the sum of bias and input * kernel. A v128 holds four float32, one for each map.
;; networks.js has the outer loops. All places and lengths are in bytes.
(module
  (import "page" "memory" (memory 1))
  (func (export "convolveFour")
    (param $input i32)   ;; the place of the first pixel's window
    (param $across i32)  ;; from a pixel's window to that of the next
    (param $down i32)    ;; from a row of a window to the next row
    (param $length i32)  ;; of a row of a window
    (param $rows i32)    ;; of a window
    (param $kernel i32)  ;; the place of the four biases; the kernel lies behind them
    (param $result i32)  ;; the place of the first pixel's result
    (param $maps i32)    ;; from a pixel's result to that of the next
    (param $floor f32)   ;; no result is less: 0 for ReLU
    (local $across2 i32) (local $across3 i32) (local $end i32)
    (local $k v128) (local $f v128)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128)  ;; the sums of each pixel

    (local.set $across2 (i32.add (local.get $across) (local.get $across)))
    (local.set $across3 (i32.add (local.get $across2) (local.get $across)))
    (local.set $a (v128.load (local.get $kernel)))
    (local.set $b (local.get $a))
    (local.set $c (local.get $a))
    (local.set $d (local.get $a))

    (loop $row
      (local.set $end (i32.add (local.get $input) (local.get $length)))
      (loop $number
        ;; One number of each window is read, and multiplied by the kernels of four maps.
        (local.set $kernel (i32.add (local.get $kernel) (i32.const 16)))
        (local.set $k (v128.load (local.get $kernel)))
        (local.set $a (f32x4.add (local.get $a) (f32x4.mul (local.get $k)
          (v128.load32_splat (local.get $input)))))
        (local.set $b (f32x4.add (local.get $b) (f32x4.mul (local.get $k)
          (v128.load32_splat (i32.add (local.get $input) (local.get $across))))))
        (local.set $c (f32x4.add (local.get $c) (f32x4.mul (local.get $k)
          (v128.load32_splat (i32.add (local.get $input) (local.get $across2))))))
        (local.set $d (f32x4.add (local.get $d) (f32x4.mul (local.get $k)
          (v128.load32_splat (i32.add (local.get $input) (local.get $across3))))))
        (local.set $input (i32.add (local.get $input) (i32.const 4)))
        (br_if $number (i32.lt_u (local.get $input) (local.get $end))))
      (local.set $input (i32.add (local.get $input) (i32.sub (local.get $down) (local.get $length))))
      (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
      (br_if $row (local.get $rows)))

    (local.set $f (f32x4.splat (local.get $floor)))
    (v128.store (local.get $result) (f32x4.max (local.get $a) (local.get $f)))
    (local.set $result (i32.add (local.get $result) (local.get $maps)))
    (v128.store (local.get $result) (f32x4.max (local.get $b) (local.get $f)))
    (local.set $result (i32.add (local.get $result) (local.get $maps)))
    (v128.store (local.get $result) (f32x4.max (local.get $c) (local.get $f)))
    (local.set $result (i32.add (local.get $result) (local.get $maps)))
    (v128.store (local.get $result) (f32x4.max (local.get $d) (local.get $f)))))
